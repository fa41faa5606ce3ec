//! Sound.

use super::{html, Content, Show};
use crate::error::{Error, Result};
use crate::plot::{curves, escaped, Figure, Series};

/// Moments a waveform is drawn at.
const MOMENTS: usize = 480;

/// A piece of sound, one channel.
///
/// In a notebook it has a player; everywhere its waveform.
///
/// ```
/// use selfsame::display::{Audio, Show};
/// let tone = (0..8000).map(|i| (i as f32 * 440.0 * 6.283 / 8000.0).sin() * 0.5).collect();
/// let audio = Audio::new(tone, 8000)?;
/// assert!(audio.content().text().starts_with("1.00 s of sound at 8000 Hz"));
/// # Ok::<(), selfsame::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Audio {
    samples: Vec<f32>,
    rate: u32,
}

impl Audio {
    /// Sound from samples in -1..1 (louder ones are cut) at `rate` samples a second.
    ///
    /// # Errors
    /// [`Error::Setting`] for a rate of 0; [`Error::Shape`] for more than an hour at 48 kHz, which no notebook should
    /// carry.
    pub fn new(samples: Vec<f32>, rate: u32) -> Result<Audio> {
        const MOST: usize = 3600 * 48_000;
        if rate == 0 {
            return Err(Error::setting(
                "sample rate",
                rate,
                "at least 1 a second",
                "16000 is usual for speech.",
            ));
        }
        if samples.len() > MOST {
            return Err(Error::shape("sound", format!("at most {MOST} samples"), samples.len()));
        }
        Ok(Audio { samples, rate })
    }

    /// The samples.
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// Samples a second.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Seconds.
    pub fn seconds(&self) -> f64 {
        self.samples.len() as f64 / f64::from(self.rate)
    }

    /// A WAV file of 16 bits a sample.
    pub fn wav(&self) -> Vec<u8> {
        let data = 2 * self.samples.len() as u32;
        let mut wav = Vec::with_capacity(44 + data as usize);
        wav.extend(b"RIFF");
        wav.extend((36 + data).to_le_bytes());
        wav.extend(b"WAVEfmt ");
        wav.extend(16u32.to_le_bytes());
        wav.extend(1u16.to_le_bytes()); // PCM
        wav.extend(1u16.to_le_bytes()); // channels
        wav.extend(self.rate.to_le_bytes());
        wav.extend((2 * self.rate).to_le_bytes()); // bytes a second
        wav.extend(2u16.to_le_bytes()); // bytes a frame
        wav.extend(16u16.to_le_bytes()); // bits a sample
        wav.extend(b"data");
        wav.extend(data.to_le_bytes());
        for sample in &self.samples {
            // NaN becomes silence.
            wav.extend(((sample.clamp(-1.0, 1.0) * 32767.0).round() as i16).to_le_bytes());
        }
        wav
    }

    /// The waveform: for each moment the lowest and highest sample.
    ///
    /// # Errors
    /// When the figure cannot be drawn.
    pub fn figure(&self) -> Result<Figure> {
        let every = self.samples.len().div_ceil(MOMENTS).max(1);
        let bar = |(i, samples): (usize, &[f32])| {
            let second = (i * every) as f64 / f64::from(self.rate);
            let (low, high) =
                samples.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
            // The gap keeps one bar from being joined to the next.
            [(second, f64::from(low)), (second, f64::from(high)), (second, f64::NAN)]
        };
        let points = self.samples.chunks(every).enumerate().flat_map(bar).collect();
        curves("Waveform", "seconds", "amplitude", &[Series::new("sound", points)])
    }
}

impl Show for Audio {
    fn content(&self) -> Content {
        let text = format!("{:.2} s of sound at {} Hz", self.seconds(), self.rate);
        let figure = self.figure();
        let mut page = html::paragraph(&text);
        page += &format!(
            "<audio controls src=\"data:audio/wav;base64,{}\">{}</audio>\n",
            html::base64(&self.wav()),
            escaped(&text)
        );
        if let Ok(figure) = &figure {
            page += &html::figures([figure]);
        }
        super::show::drawn(Content::new(text), figure).with_html(page)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_wav_says_what_it_holds() {
        let audio = Audio::new(vec![0.0, 1.0, -2.0, f32::NAN], 16_000).unwrap();
        let wav = audio.wav();
        assert_eq!(wav.len(), 44 + 8);
        assert_eq!((&wav[..4], &wav[8..16], &wav[36..40]), (&b"RIFF"[..], &b"WAVEfmt "[..], &b"data"[..]));
        assert_eq!(u32::from_le_bytes(wav[4..8].try_into().unwrap()) as usize, wav.len() - 8);
        assert_eq!(u32::from_le_bytes(wav[24..28].try_into().unwrap()), 16_000);
        let samples: Vec<i16> = wav[44..].chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect();
        assert_eq!(samples, [0, 32767, -32767, 0]);
        assert!(Audio::new(vec![], 0).is_err());
        let page = audio.content();
        assert!(page.html().unwrap().contains("<audio controls src=\"data:audio/wav;base64,UklGR"));
    }
}

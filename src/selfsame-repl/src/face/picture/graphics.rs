//! Pictures as pixels, where the terminal can: which protocol it speaks, and what is written in it.

use std::env;
use std::io::{self, Cursor, IsTerminal};
use std::sync::OnceLock;

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageFormat, RgbImage};

/// How a terminal is given pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// kitty's: kitty, Ghostty, Konsole.
    Kitty,
    /// iTerm2's: iTerm2, WezTerm, mintty.
    Iterm,
    /// DEC's sixels: xterm and foot, among others.
    Sixel,
    /// Not at all; pictures are made of characters.
    Characters,
}

/// The variable that names a protocol, for terminals that are misjudged: `kitty`, `iterm`, `sixel` or `none`.
pub const VARIABLE: &str = "SELFSAME_GRAPHICS";

/// Pixels of a character, where the terminal does not say: what sixels are scaled by.
const CELL: (u32, u32) = (10, 20);

impl Protocol {
    /// What this process's terminal speaks. The first call asks it, which takes as long as an answer travels and at most a
    /// fifth of a second: it must come before anything else reads keys.
    pub fn of_terminal() -> Protocol {
        static FOUND: OnceLock<Protocol> = OnceLock::new();
        *FOUND.get_or_init(|| {
            if !io::stdout().is_terminal() {
                return Protocol::Characters;
            }
            Protocol::named(|name| env::var(name).ok())
                .unwrap_or_else(|| Protocol::of_answer(&ask::terminal()))
        })
    }

    /// What the environment says; `None` where the terminal itself has to be asked.
    fn named(variable: impl Fn(&str) -> Option<String>) -> Option<Protocol> {
        let get = |name: &str| variable(name).unwrap_or_default();
        match get(VARIABLE).as_str() {
            "kitty" => return Some(Protocol::Kitty),
            "iterm" => return Some(Protocol::Iterm),
            "sixel" => return Some(Protocol::Sixel),
            "none" => return Some(Protocol::Characters),
            _ => {}
        }
        let term = get("TERM");
        if matches!(term.as_str(), "" | "dumb" | "linux") {
            return Some(Protocol::Characters);
        }
        // Inside tmux or screen these name the terminal around it, which does not see what is drawn here.
        let inside = !get("TMUX").is_empty() || term.starts_with("screen") || term.starts_with("tmux");
        let iterm = ["iTerm.app", "WezTerm", "mintty"].contains(&get("TERM_PROGRAM").as_str())
            || get("LC_TERMINAL") == "iTerm2";
        (iterm && !inside).then_some(Protocol::Iterm)
    }

    /// What a terminal's answers to [`ask::QUERY`] say.
    fn of_answer(answer: &[u8]) -> Protocol {
        let answer = String::from_utf8_lossy(answer);
        let attributes = answer.rsplit_once("\x1b[?").and_then(|(_, rest)| rest.split_once('c'));
        if answer.contains("\x1b_Gi=31;OK") {
            Protocol::Kitty
        } else if attributes.is_some_and(|(list, _)| list.split(';').skip(1).any(|a| a == "4")) {
            Protocol::Sixel
        } else {
            Protocol::Characters
        }
    }

    /// What draws `picture` at the cursor, `columns` characters wide, and leaves the cursor below it; `None` where that
    /// cannot be done.
    pub fn text(self, picture: &RgbImage, columns: usize) -> Option<String> {
        match self {
            Protocol::Kitty => Some(kitty(&png(picture)?, columns)),
            Protocol::Iterm => {
                let data = STANDARD.encode(png(picture)?);
                Some(format!("\x1b]1337;File=inline=1;width={columns};preserveAspectRatio=1:{data}\x07\n"))
            }
            Protocol::Sixel => sixel(picture, columns),
            Protocol::Characters => None,
        }
    }
}

fn png(picture: &RgbImage) -> Option<Vec<u8>> {
    let mut out = Cursor::new(Vec::new());
    DynamicImage::from(picture.clone()).write_to(&mut out, ImageFormat::Png).ok()?;
    Some(out.into_inner())
}

/// In pieces of at most 4,096 characters, as the protocol asks for.
fn kitty(png: &[u8], columns: usize) -> String {
    let data = STANDARD.encode(png);
    let mut rest = data.as_str();
    let mut out = String::new();
    let mut first = true;
    while first || !rest.is_empty() {
        let (piece, more) = rest.split_at(rest.len().min(4096));
        let head = if first { format!("a=T,f=100,q=2,c={columns},") } else { String::new() };
        out += &format!("\x1b_G{head}m={};{piece}\x1b\\", u8::from(!more.is_empty()));
        (rest, first) = (more, false);
    }
    out + "\n"
}

fn sixel(picture: &RgbImage, columns: usize) -> Option<String> {
    let width = (columns as u32 * CELL.0).clamp(1, 1000);
    let height =
        (u64::from(picture.height()) * u64::from(width) / u64::from(picture.width().max(1))).max(1) as u32;
    let scaled = imageops::resize(picture, width, height, FilterType::Triangle);
    let pixels: Vec<u8> = scaled.pixels().flat_map(|p| [p.0[0], p.0[1], p.0[2]]).collect();
    icy_sixel::sixel_string(
        &pixels,
        i32::try_from(width).ok()?,
        i32::try_from(height).ok()?,
        icy_sixel::PixelFormat::RGB888,
        icy_sixel::DiffusionMethod::Auto,
        icy_sixel::MethodForLargest::Auto,
        icy_sixel::MethodForRep::Auto,
        icy_sixel::Quality::AUTO,
    )
    .ok()
    .map(|text| text + "\n")
}

/// Asking the terminal what it can.
#[cfg(unix)]
mod ask {
    use std::fs::File;
    use std::io::{self, IsTerminal, Read, Write};
    use std::os::fd::AsRawFd;
    use std::time::{Duration, Instant};

    use mio::unix::SourceFd;
    use mio::{Events, Interest, Poll, Token};

    /// A terminal that has not answered by then is taken to have nothing to say.
    const PATIENCE: Duration = Duration::from_millis(200);

    /// Whether kitty's protocol is understood (an image that is checked and not shown), and the list of attributes, which
    /// every terminal has and so ends the answer.
    pub const QUERY: &[u8] = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c";

    /// What the terminal answers; as far as it came, when it takes too long.
    pub fn terminal() -> Vec<u8> {
        if !io::stdin().is_terminal() || crossterm::terminal::enable_raw_mode().is_err() {
            return Vec::new();
        }
        let mut answer = Vec::new();
        // What came until it failed is all there is.
        let _ = converse(&mut answer);
        let _ = crossterm::terminal::disable_raw_mode();
        answer
    }

    fn converse(answer: &mut Vec<u8>) -> io::Result<()> {
        let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
        let mut poll = Poll::new()?;
        poll.registry().register(&mut SourceFd(&terminal.as_raw_fd()), Token(0), Interest::READABLE)?;
        terminal.write_all(QUERY)?;
        let end = Instant::now() + PATIENCE;
        let mut events = Events::with_capacity(1);
        while !answer.ends_with(b"c") {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            match poll.poll(&mut events, Some(left)) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                polled => polled?,
            }
            if events.is_empty() {
                break;
            }
            let mut bytes = [0; 256];
            let read = terminal.read(&mut bytes)?;
            answer.extend(&bytes[..read]);
        }
        Ok(())
    }
}

/// Elsewhere the environment has to say it.
#[cfg(not(unix))]
mod ask {
    pub fn terminal() -> Vec<u8> {
        Vec::new()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_or_the_answer_names_the_protocol() {
        let named = |set: &[(&str, &str)]| {
            Protocol::named(|name| set.iter().find(|(n, _)| *n == name).map(|(_, v)| v.to_string()))
        };
        assert_eq!(named(&[("TERM", "dumb")]), Some(Protocol::Characters));
        assert_eq!(named(&[("TERM", "xterm"), (VARIABLE, "sixel")]), Some(Protocol::Sixel));
        assert_eq!(named(&[("TERM", "xterm"), ("TERM_PROGRAM", "WezTerm")]), Some(Protocol::Iterm));
        assert_eq!(named(&[("TERM", "tmux-256color"), ("TERM_PROGRAM", "WezTerm")]), None);
        assert_eq!(named(&[("TERM", "xterm-kitty")]), None);

        assert_eq!(Protocol::of_answer(b"\x1b_Gi=31;OK\x1b\\\x1b[?62;c"), Protocol::Kitty);
        assert_eq!(Protocol::of_answer(b"\x1b[?62;4;22c"), Protocol::Sixel);
        assert_eq!(Protocol::of_answer(b"\x1b[?4;22c"), Protocol::Characters, "a class is no attribute");
        assert_eq!(Protocol::of_answer(b"\x1b[?1;2c"), Protocol::Characters);
        assert_eq!(Protocol::of_answer(b""), Protocol::Characters);
    }

    #[test]
    fn a_picture_goes_out_whole() {
        let picture = RgbImage::from_fn(97, 60, |x, y| {
            image::Rgb([(x * 31 % 256) as u8, (y * 97 % 256) as u8, (x * y % 251) as u8])
        });
        let sent = Protocol::Kitty.text(&picture, 40).unwrap();
        assert!(sent.starts_with("\x1b_Ga=T,f=100,q=2,c=40,m=1;") && sent.ends_with("\x1b\\\n"));
        let pieces: Vec<&str> =
            sent.split("\x1b\\").filter_map(|p| p.split_once(';')).map(|(_, d)| d).collect();
        assert!(pieces.len() > 1 && pieces.iter().all(|p| p.len() <= 4096));
        let png = STANDARD.decode(pieces.concat()).unwrap();
        assert_eq!(image::load_from_memory(&png).unwrap().to_rgb8(), picture);

        let sent = Protocol::Iterm.text(&picture, 40).unwrap();
        let (_, data) = sent.trim_end_matches(['\n', '\x07']).split_once(':').unwrap();
        assert_eq!(STANDARD.decode(data).unwrap(), png);

        let sent = Protocol::Sixel.text(&picture, 40).unwrap();
        assert!(sent.starts_with("\x1bP") && sent.trim_end().ends_with("\x1b\\"), "{}", &sent[..20]);
        assert_eq!(Protocol::Characters.text(&picture, 40), None);
    }
}

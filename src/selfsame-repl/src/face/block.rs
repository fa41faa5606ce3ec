//! A few lines at the bottom of a terminal that are drawn again and again in their place.

use std::io::{self, Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands there now.
#[derive(Debug, Default)]
pub struct Block {
    /// How wide each line was drawn.
    widths: Vec<usize>,
}

impl Block {
    /// Puts `lines` in the place of what stands there, each cut to the terminal's width.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn draw(&mut self, out: &mut dyn Write, lines: &[String], columns: usize) -> io::Result<()> {
        let mut text = self.erased(columns);
        for line in lines {
            // The last column stays free: some terminals break the line behind it, some do not.
            let line = cut(line, columns.saturating_sub(1));
            self.widths.push(width(&line));
            text += &line;
            text.push('\n');
        }
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Takes away what stands there; the cursor is where it began.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub fn clear(&mut self, out: &mut dyn Write, columns: usize) -> io::Result<()> {
        let text = self.erased(columns);
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// The codes that erase the block. In a window that has become narrower its lines take several rows.
    fn erased(&mut self, columns: usize) -> String {
        let rows: usize = self.widths.drain(..).map(|w| w.div_ceil(columns.max(1)).max(1)).sum();
        if rows == 0 {
            String::new()
        } else {
            format!("\r\x1b[{rows}A\x1b[J")
        }
    }
}

/// Columns that `text` takes; codes of colours take none.
pub fn width(text: &str) -> usize {
    pieces(text).filter(|(is_code, _)| !is_code).map(|(_, piece)| piece.width()).sum()
}

/// `text` cut to `columns`, with all its codes.
pub fn cut(text: &str, columns: usize) -> String {
    let (mut out, mut left) = (String::new(), columns);
    for (is_code, piece) in pieces(text) {
        if is_code {
            out += piece;
            continue;
        }
        for c in piece.chars() {
            let wide = c.width().unwrap_or(0);
            if wide > left {
                left = 0;
                break;
            }
            left -= wide;
            out.push(c);
        }
    }
    out
}

/// Codes and what stands between them.
fn pieces(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let is_code = rest.starts_with("\x1b[");
        let end = match is_code {
            true => rest.find('m').map(|m| m + 1),
            // Behind the first character: a lone escape must not stop us.
            false => {
                rest.char_indices().skip(1).find(|(i, _)| rest[*i..].starts_with("\x1b[")).map(|(i, _)| i)
            }
        };
        let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        Some((is_code, piece))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn drawn(block: &mut Block, lines: &[&str], columns: usize) -> String {
        let mut out = Vec::new();
        let lines: Vec<String> = lines.iter().map(|l| l.to_string()).collect();
        block.draw(&mut out, &lines, columns).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_block_is_drawn_over_the_one_before() {
        let mut block = Block::default();
        assert_eq!(drawn(&mut block, &["a", "b"], 80), "a\nb\n");
        assert_eq!(drawn(&mut block, &["c"], 80), "\r\x1b[2A\x1b[Jc\n");
    }

    #[test]
    fn a_narrower_window_has_broken_the_lines() {
        let mut block = Block::default();
        drawn(&mut block, &[&"x".repeat(50), "y", ""], 80);
        assert_eq!(drawn(&mut block, &["z"], 20), "\r\x1b[5A\x1b[Jz\n");
    }

    #[test]
    fn lines_are_cut_but_their_colours_are_ended() {
        assert_eq!(cut("\x1b[36mabc\x1b[0mdef", 4), "\x1b[36mabc\x1b[0md");
        assert_eq!(cut("\x1b[36mabc\x1b[0m", 2), "\x1b[36mab\x1b[0m");
        assert_eq!(width("\x1b[36mabc\x1b[0m日本"), 7);
        assert_eq!(cut("日本", 3), "日");
        assert_eq!(cut("a\x1b", 9), "a\x1b", "a code without an end");
    }
}

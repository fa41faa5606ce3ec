//! Messages with numbers in them, built while compiling: what a const assertion says when sizes do not fit.

/// Text assembled in a `const` block; `panic!("{}", message.as_str())` shows it as a compile error.
pub(crate) struct Message {
    bytes: [u8; 160],
    len: usize,
}

impl Message {
    pub(crate) const fn new() -> Message {
        Message { bytes: [0; 160], len: 0 }
    }

    /// Appends words.
    pub(crate) const fn text(mut self, words: &str) -> Message {
        let words = words.as_bytes();
        let mut i = 0;
        while i < words.len() && self.len < self.bytes.len() {
            self.bytes[self.len] = words[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    /// Appends a number in decimal.
    pub(crate) const fn number(mut self, n: usize) -> Message {
        let mut unit = 1;
        while n / unit >= 10 {
            unit *= 10;
        }
        while unit > 0 && self.len < self.bytes.len() {
            self.bytes[self.len] = b'0' + ((n / unit) % 10) as u8;
            self.len += 1;
            unit /= 10;
        }
        self
    }

    pub(crate) const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "sizes do not fit",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Message;

    #[test]
    fn numbers_and_words_join() {
        const M: Message = Message::new().text("patch ").number(5).text(" of ").number(1280).number(0);
        assert_eq!(M.as_str(), "patch 5 of 12800");
    }
}

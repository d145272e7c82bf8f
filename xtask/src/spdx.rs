//! Licence expressions as crates state them: `MIT OR Apache-2.0`, `(A AND B) OR C WITH D`, and the
//! old `A/B`, which means OR.

/// Whether one may use a package under `expression` when only the licences in `allowed` are acceptable.
pub(crate) fn permits(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut parser = Parser { words: &words, at: 0, broken: false, allowed };
    let verdict = parser.either();
    verdict && !parser.broken && parser.at == words.len()
}

/// Reads the words from left to right; every method returns whether its part permits use.
struct Parser<'a> {
    words: &'a [&'a str],
    at: usize,
    /// Whether a word was missing where one had to stand.
    broken: bool,
    allowed: &'a [String],
}

impl Parser<'_> {
    fn take(&mut self, word: &str) -> bool {
        let here = self.words.get(self.at) == Some(&word);
        self.at += usize::from(here);
        here
    }

    fn either(&mut self) -> bool {
        let mut verdict = self.all();
        while self.take("OR") {
            // Both sides are read whatever the verdict, so that the position stays right.
            verdict |= self.all();
        }
        verdict
    }

    fn all(&mut self) -> bool {
        let mut verdict = self.one();
        while self.take("AND") {
            verdict &= self.one();
        }
        verdict
    }

    fn one(&mut self) -> bool {
        if self.take("(") {
            let verdict = self.either();
            self.broken |= !self.take(")");
            return verdict;
        }
        let Some(name) = self.words.get(self.at) else {
            self.broken = true;
            return false;
        };
        let mut name = (*name).to_owned();
        self.at += 1;
        if self.take("WITH") {
            let exception = self.words.get(self.at).copied().unwrap_or_default();
            name = format!("{name} WITH {exception}");
            self.at += 1;
        }
        self.allowed.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::permits;

    fn allowed(expression: &str) -> bool {
        let list = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "Unicode-3.0"].map(str::to_owned);
        permits(expression, &list)
    }

    #[test]
    fn one_allowed_alternative_is_enough() {
        assert!(allowed("MIT"));
        assert!(allowed("GPL-3.0 OR MIT"));
        assert!(allowed("MIT/GPL-2.0"));
        assert!(allowed("Apache-2.0 WITH LLVM-exception OR GPL-2.0"));
    }

    #[test]
    fn every_part_of_a_conjunction_counts() {
        assert!(allowed("(MIT OR Apache-2.0) AND Unicode-3.0"));
        assert!(!allowed("(MIT OR Apache-2.0) AND GPL-3.0"));
        assert!(!allowed("MIT AND GPL-3.0 AND Unicode-3.0"));
    }

    #[test]
    fn what_cannot_be_read_is_not_permitted() {
        for broken in ["", "MIT OR", "(MIT", "MIT Apache-2.0", "OR MIT", "Apache-2.0 WITH Other-exception"] {
            assert!(!allowed(broken), "{broken:?}");
        }
    }
}

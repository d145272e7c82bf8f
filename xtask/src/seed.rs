//! The number that repeats a random run.

use anyhow::Context as _;

const NAME: &str = "STAITHE_SEED";

/// What `STAITHE_SEED` asks for. Who mistypes it is not to take another run for the repetition.
pub(crate) fn asked() -> anyhow::Result<Option<u64>> {
    let Some(word) = std::env::var_os(NAME) else { return Ok(None) };
    read(&word.to_string_lossy()).map(Some)
}

fn read(word: &str) -> anyhow::Result<u64> {
    word.parse().with_context(|| {
        format!("{NAME}={word:?} is no number. Give the number that a run has printed, or unset it")
    })
}

/// The first one that a test said.
pub(crate) fn told(said: &str) -> Option<u64> {
    let (_, rest) = said.split_once(&format!("{NAME}="))?;
    let end = rest.find(|next: char| !next.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_is_refused_with_what_helps() {
        assert_eq!(read("5").unwrap(), 5);
        for word in ["", "five", "-1", "5 "] {
            assert!(read(word).unwrap_err().to_string().contains("unset it"), "{word:?}");
        }
    }

    #[test]
    fn it_is_found_in_what_a_test_says() {
        assert_eq!(told("running 1 test\nSTAITHE_SEED=17\nSTAITHE_SEED=4\n"), Some(17));
        assert_eq!(told("replay: STAITHE_SEED=3 cargo test"), Some(3));
        assert_eq!(told("nothing is drawn"), None);
    }
}

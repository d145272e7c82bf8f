//! The question, as shipped and as built for tests.

/// Whether this run is to do without the guarantee of that name.
#[cfg(not(feature = "switches"))]
#[inline]
#[must_use]
pub const fn is_off(_guarantee: &'static str) -> bool {
    false
}

/// Whether this run is to do without the guarantee of that name.
#[cfg(feature = "switches")]
#[must_use]
pub fn is_off(guarantee: &'static str) -> bool {
    without().iter().any(|name| name == guarantee)
}

/// What `STAITHE_WITHOUT` lists, read once. Whoever runs such a build with it is told so.
#[cfg(feature = "switches")]
fn without() -> &'static [String] {
    static WITHOUT: std::sync::OnceLock<Vec<String>> = std::sync::OnceLock::new();
    WITHOUT.get_or_init(|| {
        let text = std::env::var("STAITHE_WITHOUT").unwrap_or_default();
        let names: Vec<String> = text.split(',').map(str::trim).map(str::to_owned).collect();
        let names: Vec<String> = names.into_iter().filter(|name| !name.is_empty()).collect();
        if !names.is_empty() {
            eprintln!("a build for tests, without: {}", names.join(", "));
        }
        names
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_is_off_by_itself() {
        assert!(!super::is_off("writer-probe"));
    }
}

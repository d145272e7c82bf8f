//! The configuration that `staithe init` prints.

/// A commented configuration to begin with. It can be used as it is.
#[must_use]
pub fn starter() -> String {
    include_str!("starter.toml").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SinkKind, parse_str};

    fn env(name: &str) -> Option<String> {
        (name == "REDIS_PASSWORD").then(|| "hunter2".to_owned())
    }

    #[test]
    fn it_can_be_used_as_it_is() {
        let loaded = parse_str("starter.toml", &starter(), &|_| None).unwrap();
        assert_eq!(loaded.warnings, []);
        assert_eq!(loaded.plan.sources.len(), 1);
        assert!(matches!(loaded.plan.sinks[0].kind, SinkKind::Queue(_)));
    }

    #[test]
    fn everything_that_is_commented_out_can_be_used_too() {
        // Settings are commented out as `#key`, prose is written as `# text`.
        let uncommented: Vec<String> = starter()
            .lines()
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if setting.starts_with(|c: char| !c.is_whitespace()) => setting.to_owned(),
                _ => line.to_owned(),
            })
            .collect();
        let text = uncommented.join("\n");
        let loaded = parse_str("starter.toml", &text, &env).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(loaded.warnings, []);
        assert!(loaded.plan.sinks.len() >= 3, "{:?}", loaded.plan.sinks);
        assert!(loaded.plan.sources[0].rules.rules.len() >= 2);
    }
}

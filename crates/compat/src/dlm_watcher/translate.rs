//! `init --from dlm-watcher FLAGS…`: the plan of an old command line, and what to say about it.

use std::os::unix::ffi::OsStrExt as _;

use config::{DlmDialect, Plan, Secret};

use model::text::safe;

use super::args::Args;
use super::plan::{Around, Planned, plan};

/// An old command line in native terms.
#[derive(Clone, Debug)]
pub struct Translation {
    /// For `config::to_toml`.
    pub plan: Plan,
    /// What a reader of the result should know, one paragraph each; comments for its head.
    pub comments: Vec<String>,
    /// What is odd in the old command line.
    pub warnings: Vec<String>,
}

/// What the drop-in would run with these flags, as far as a configuration can say it.
#[must_use]
pub fn translate(args: &Args, around: Around<'_>) -> Translation {
    // It is not printed, so it need not be known.
    let unread = args.token_file.as_ref().map(|_| Secret::new(""));
    let Planned { plan, warnings } = plan(args, Around { token: unread.as_ref(), ..around });
    Translation { comments: comments(args), plan, warnings }
}

fn comments(args: &Args) -> Vec<String> {
    let mut comments = vec![
        "Translated from the flags of dlm-directory-watcher with the environment of that moment (USER, HOME, \
         LOCATION_*, WATCHFILES_FORCE_POLLING)."
            .to_owned(),
    ];
    if let Some(file) = &args.readiness_file {
        comments.push(format!(
            "{} has no counterpart: `staithe status` has `ready` (and `prepared` for the sink), and systemd is told. \
             The drop-in (`staithe compat dlm-watcher`) still writes it.",
            file.display()
        ));
    }
    comments.push("`staithe run` logs in its own form on standard error, not in the SKA format.".to_owned());
    if args.include_existing {
        comments.push(
            "--include-existing has become initial = \"deliver\" (the default, so it is not written out), and names that \
             are otherwise left out and exist now have rules of their own. Only the first start looks at what \
             exists; later ones go on where the last ended."
                .to_owned(),
        );
    }
    if let Some(dir) = &args.state_dir {
        comments.push(format!(
            "Run it with --state-dir {}, and it goes on where the drop-in, which must be stopped, has ended.",
            safe(dir.as_os_str().as_bytes())
        ));
    }
    if let Some(file) = &args.token_file {
        comments.push(format!(
            "The token is in {}: let token_file below name that file, or copy it to where token_file says.",
            safe(file.as_os_str().as_bytes())
        ));
    }
    if args.dialect == DlmDialect::V20 || args.dialect == DlmDialect::V21 {
        comments.push(
            "The requests are those of the older client; the newest also sends parents and sizes.".to_owned(),
        );
    }
    comments
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::environment::Environment;

    fn of(args: &Args) -> Translation {
        let environment: Environment = [("HOME", "/h")].into_iter().collect();
        translate(
            args,
            Around { environment: &environment, absolute: Path::new("/w"), existing: &[], token: None },
        )
    }

    #[test]
    fn a_translation_says_what_has_no_counterpart() {
        let plain = of(&Args { directory: "/w".into(), source: Some("s".into()), ..Args::default() });
        assert_eq!((plain.comments.len(), plain.warnings.len(), plain.plan.sources.len()), (3, 0, 1));
        assert!(plain.comments[1].starts_with("/tmp/dlm-client-ready has no counterpart"));
        let more = of(&Args {
            directory: "/w".into(),
            include_existing: true,
            readiness_file: None,
            dialect: DlmDialect::V21,
            ..Args::default()
        });
        assert_eq!(more.comments.len(), 4, "{:?}", more.comments);
        let token = of(&Args { directory: "/w".into(), token_file: Some("/t/k".into()), ..Args::default() });
        assert!(token.comments.iter().any(|comment| comment.starts_with("The token is in /t/k")));
        assert!(config::to_toml(&token.plan).contains("\ntoken_file = "));
    }
}

//! Which folders are finished, and when.

use settle::{Clause, Completion, Expr, Late, Pattern, Rule, Shape, Take};

use super::plan::Options;

/// A last extension that begins with `tmp`, as Python splits names: dots at the beginning of the name do not count.
pub const IN_THE_MAKING: &str = "re:^[^/]*[^./][^/]*\\.tmp[^./]*$";

/// Every directory of the watched one whose name is a finished one's.
pub(super) fn folders_rule(options: &Options, sink: &str) -> Rule {
    Rule {
        name: "folders".into(),
        include: Vec::new(),
        exclude: patterns(&[IN_THE_MAKING]),
        completion: completion(options),
        to: vec![sink.to_owned()],
        shape: Shape { take: Take::Dataset(patterns(&["/*"])), late: Late::Ignore, ..Shape::default() },
    }
}

/// Renamed in with what is in it: at once. Made at its place: when nobody writes into it and it has been left alone for
/// a while.
fn completion(options: &Options) -> Completion {
    if options.strict {
        return Completion::of(Expr::Clause(Clause::Appeared));
    }
    let preset = Completion::preset("data-product").unwrap_or_else(Completion::local);
    preset.clone().with_quiet(options.quiet).unwrap_or(preset)
}

/// Files that were renamed to their names.
pub(super) fn chunks_rule(sink: &str) -> Rule {
    Rule {
        name: "chunks".into(),
        include: patterns(&["/*"]),
        exclude: patterns(&["*.part"]),
        completion: Completion::of(Expr::Clause(Clause::RenamedIn)),
        to: vec![sink.to_owned()],
        shape: Shape::default(),
    }
}

/// A rule that only its stream is of.
pub(super) fn silent_rule(name: &str) -> Rule {
    Rule {
        name: name.to_owned(),
        include: everything(),
        exclude: Vec::new(),
        completion: Completion::local(),
        to: Vec::new(),
        shape: Shape::default(),
    }
}

pub(super) fn everything() -> Vec<Pattern> {
    patterns(&["*"])
}

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().filter_map(|text| Pattern::parse(text).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_python_splits_them() {
        let pattern = Pattern::parse(IN_THE_MAKING).unwrap();
        for name in [
            "a.TMP",
            "tmp",
            ".tmp",
            "x.template",
            "y.tmp.d",
            "z.part",
            "plain",
            "...tmp",
            "a.",
            "x.atmp",
            "\n.Tmp",
        ] {
            assert!(!pattern.matches(name.as_bytes()), "{name} is a finished name");
        }
        for name in ["b..tmp", "c.tmpl", "in.tmpX", "nf.tmp1234", "..a.tmp", "a\n.tmp\n", "a.b.tmp", "x .tmp"]
        {
            assert!(pattern.matches(name.as_bytes()), "{name} is in the making");
        }
        assert!(pattern.matches(b"\xff.tmp\xff") && !pattern.matches(b"x.\xfftmp"));
        // What lies in a folder is never asked.
        assert!(!pattern.matches(b"a.tmp/b") && !pattern.matches(b"a/b.tmp"));
    }
}

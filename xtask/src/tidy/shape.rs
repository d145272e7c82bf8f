//! Size and shape: lines of functions, of files, of inline tests; shares of documentation.

use super::Finding;
use super::blank::words;
use super::exceptions::{Offence, Rule, inexcusable};
use super::sources::{Source, body};

const FUNCTION_LINES: usize = 100;
const FILE_LINES: usize = 800;
const INLINE_TEST_LINES: usize = 300;
/// `expect` calls for each 1 000 lines of non-test code.
const EXPECTS_PER_1000: f64 = 2.0;

/// One function.
struct Function<'a> {
    name: &'a str,
    begin: usize,
    lines: usize,
}

/// The findings about size.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = inexcusable(offences(sources));
    findings.extend(too_many_expects(sources));
    findings
}

/// Everything over a hard stop.
pub(crate) fn offences(sources: &[Source]) -> Vec<Offence> {
    sources
        .iter()
        .flat_map(|source| function_offences(source).into_iter().chain(file_offences(source)))
        .collect()
}

fn function_offences(source: &Source) -> Vec<Offence> {
    let long = functions(source).into_iter().filter(|function| function.lines > FUNCTION_LINES);
    long.map(|function| Offence {
        rule: Rule::FunctionLines,
        key: format!("{}::{}", source.path, function.name),
        finding: Finding::at(
            source,
            source.line_of(function.begin),
            format!("`{}` has {} lines, the hard stop is {FUNCTION_LINES}", function.name, function.lines),
        ),
    })
    .collect()
}

fn file_offences(source: &Source) -> Vec<Offence> {
    let offence = |rule, lines: usize, stop: usize, what: &str| {
        (lines > stop).then(|| Offence {
            rule,
            key: source.path.clone(),
            finding: Finding::new(&source.path, format!("{lines} {what}, the hard stop is {stop}")),
        })
    };
    let code = offence(Rule::FileLines, code_lines(source), FILE_LINES, "lines of non-test code");
    let advice = "lines of inline tests (move them to a tests.rs)";
    let tests = offence(Rule::InlineTests, inline_test_lines(source), INLINE_TEST_LINES, advice);
    code.into_iter().chain(tests).collect()
}

fn too_many_expects(sources: &[Source]) -> Option<Finding> {
    let (calls, lines) = expects(sources);
    let allowed = (lines as f64 / 1000.0 * EXPECTS_PER_1000).ceil();
    (calls as f64 > allowed).then(|| {
        Finding::new(
            "workspace",
            format!("{calls} calls of `expect` in {lines} lines, {allowed} are allowed"),
        )
    })
}

/// Calls of `expect` and lines, both of non-test code.
fn expects(sources: &[Source]) -> (usize, usize) {
    let shipped = sources.iter().filter(|source| !source.is_test());
    shipped.fold((0, 0), |(calls, lines), source| {
        let here = source.code.match_indices(".expect(").filter(|(at, _)| !source.in_test(*at)).count();
        (calls + here, lines + code_lines(source))
    })
}

fn functions(source: &Source) -> Vec<Function<'_>> {
    let mut found = Vec::new();
    let mut previous = None;
    for (at, word) in words(&source.code) {
        if let Some(begin) = previous.take() {
            let between = &source.code[begin + 2..at];
            if let Some(body) = between.trim().is_empty().then(|| body(&source.code, at)).flatten() {
                let lines = source.code[begin..body.end].matches('\n').count() + 1;
                found.push(Function { name: word, begin, lines });
            }
        }
        previous = (word == "fn").then_some(at);
    }
    found
}

/// Lines with code on them outside inline test modules; the whole file where it is test code.
fn code_lines(source: &Source) -> usize {
    let mut offset = 0;
    let mut count = 0;
    for line in source.code.split_inclusive('\n') {
        let inside = source.tests.iter().any(|range| range.contains(&offset));
        count += usize::from(!inside && !line.trim().is_empty());
        offset += line.len();
    }
    count
}

fn inline_test_lines(source: &Source) -> usize {
    source.tests.iter().map(|range| source.code[range.clone()].matches('\n').count() + 1).sum()
}

fn doc_lines(source: &Source) -> usize {
    source
        .text
        .lines()
        .filter(|line| line.trim_start().starts_with("//!") || line.trim_start().starts_with("///"))
        .count()
}

/// The figures of `style.md` section 3, for people.
pub(crate) fn figures(sources: &[Source]) -> String {
    let mut lengths: Vec<usize> = sources.iter().flat_map(functions).map(|function| function.lines).collect();
    let shipped: Vec<&Source> = sources.iter().filter(|source| !source.is_test()).collect();
    let mut files: Vec<usize> = shipped.iter().map(|source| code_lines(source)).collect();
    let documented: usize = shipped.iter().map(|source| doc_lines(source)).sum();
    let code: usize = files.iter().sum();
    let tests: usize = sources
        .iter()
        .map(|source| if source.is_test() { code_lines(source) } else { inline_test_lines(source) })
        .sum();
    let (calls, _) = expects(sources);
    format!(
        "functions: {} (targets: median 8, p90 35, stop {FUNCTION_LINES})\n\
         files, non-test lines: {} (targets: median 180, p90 500, stop {FILE_LINES})\n\
         {code} lines of code, {tests} of tests ({:.0} %), {:.2} doc lines per code line (target 0.15), {calls} expects",
        spread(&mut lengths),
        spread(&mut files),
        percent(tests, code + tests),
        documented as f64 / code.max(1) as f64,
    )
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

fn spread(values: &mut [usize]) -> String {
    values.sort_unstable();
    let at = |share: usize| values.get(values.len() * share / 100).or(values.last()).copied().unwrap_or(0);
    format!("{} of them, median {}, p90 {}, max {}", values.len(), at(50), at(90), at(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_from_signature_to_brace() {
        let text = "trait T { fn none(&self) -> [u8; 4]; }\nfn long<F: Fn(u8)>(\n  a: [u8; 3],\n) -> u8\n{\n  \"}\"\n}\ntype P = fn(u8);\n";
        let source = Source::new("crates/x/src/a.rs", text);
        let found: Vec<(&str, usize)> = functions(&source).iter().map(|f| (f.name, f.lines)).collect();
        assert_eq!(found, [("long", 6)]);
    }

    #[test]
    fn a_long_function_and_a_long_file_are_offences() {
        let body = "    let a = 1;\n".repeat(FILE_LINES);
        let source = Source::new("crates/x/src/a.rs", format!("fn a() {{\n{body}}}\n"));
        let rules: Vec<Rule> = offences(&[source]).iter().map(|offence| offence.rule).collect();
        assert_eq!(rules, [Rule::FunctionLines, Rule::FileLines]);
    }

    #[test]
    fn comments_and_tests_do_not_count_as_code() {
        let text = "/// Doc.\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
        let source = Source::new("crates/x/src/a.rs", text);
        assert_eq!(code_lines(&source), 2);
        assert_eq!(inline_test_lines(&source), 3);
    }

    #[test]
    fn expects_are_counted_outside_tests_only() {
        let text = "fn a() { x.expect(\"why\") }\n#[cfg(test)]\nmod tests { fn b() { y.expect(\"z\") } }\n";
        assert_eq!(expects(&[Source::new("crates/x/src/a.rs", text)]).0, 1);
    }
}

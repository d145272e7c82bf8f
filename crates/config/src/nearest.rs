//! The nearest known name for one that is unknown.

/// The known name that was probably meant: few edits away, or one begins with the other.
pub(crate) fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A file can hold names of any length; comparing them would take quadratic time.
    if unknown.len() > 64 {
        return None;
    }
    let allowed = 1 + unknown.chars().count() / 4;
    let unknown = plain(unknown);
    known
        .into_iter()
        .map(|name| (cost(&unknown, &plain(name), allowed), name))
        .filter(|&(distance, _)| distance <= allowed)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

/// Case and the choice of `-` or `_` are the commonest slips, and no edits here.
fn plain(name: &str) -> Vec<char> {
    name.chars().flat_map(char::to_lowercase).map(|c| if c == '-' { '_' } else { c }).collect()
}

fn cost(unknown: &[char], name: &[char], allowed: usize) -> usize {
    let begins =
        unknown.len() >= 3 && name.len() >= 3 && (name.starts_with(unknown) || unknown.starts_with(name));
    let distance = distance(unknown, name);
    if begins { distance.min(allowed) } else { distance }
}

/// Insertions, deletions, replacements and swaps of neighbours between two names.
fn distance(from: &[char], to: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (row, &a) in from.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, &b) in to.iter().enumerate() {
            let mut best =
                (last[column] + usize::from(a != b)).min(last[column + 1] + 1).min(line[column] + 1);
            let swapped = row > 0 && column > 0 && a == to[column - 1] && from[row - 1] == b;
            if swapped {
                best = best.min(before[column - 1] + 1);
            }
            line.push(best);
        }
        before = std::mem::replace(&mut last, line);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        let known = ["quiet", "min_age", "poll_interval", "include", "to"];
        for (typed, meant) in [
            ("quite", "quiet"),
            ("min-age", "min_age"),
            ("Include", "include"),
            ("pol_intervall", "poll_interval"),
            ("inculde", "include"),
            ("ot", "to"),
        ] {
            assert_eq!(nearest(typed, known), Some(meant), "{typed}");
        }
    }

    #[test]
    fn is_silent_where_nothing_is_near() {
        assert_eq!(nearest("kangaroo", ["quiet", "to"]), None);
        assert_eq!(nearest("", ["quiet"]), None);
        assert_eq!(nearest(&"quiet".repeat(1000), ["quiet"]), None);
        assert_eq!(nearest("x", []), None);
    }
}

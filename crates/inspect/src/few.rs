//! A count with a few names: enough to name the culprits, however many there are.

/// So many names are kept.
const NAMES: usize = 16;

/// A count and the first few (16) names in byte order, relative to the unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Few {
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub names: Vec<Box<[u8]>>,
}

impl Few {
    /// Counts `name`.
    pub(crate) fn add(&mut self, name: &[u8]) {
        self.count += 1;
        keep_first(&mut self.names, name, NAMES);
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// Puts `name` into the sorted `names`, of which only the first `limit` are kept.
pub(crate) fn keep_first(names: &mut Vec<Box<[u8]>>, name: &[u8], limit: usize) {
    if names.len() == limit && names.last().is_none_or(|last| **last <= *name) {
        return;
    }
    let at = names.partition_point(|kept| **kept <= *name);
    names.insert(at, name.into());
    names.truncate(limit);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_in_byte_order_stay_whatever_the_order_of_arrival() {
        let mut few = Few::default();
        for number in (0..100_u32).map(|number| number * 37 % 100) {
            few.add(format!("{number:02}").as_bytes());
        }
        assert_eq!(few.count, 100);
        let expected: Vec<Box<[u8]>> = (0..16).map(|n| format!("{n:02}").into_bytes().into()).collect();
        assert_eq!(few.names, expected);
    }
}

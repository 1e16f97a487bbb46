//! What the bytes of a coroutine are for, found from where its values are.

use std::ops::Range;

use serde::Serialize;

use super::dump::Bytes;
use super::model::Value;

/// A run of bytes with one use.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    /// Where it begins.
    pub offset: u64,
    /// How many bytes it has.
    pub size: u64,
    /// What they are for.
    pub of: Owner,
}

/// What bytes are for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// The number of the state.
    Tag,
    /// The value with this index; if several share the bytes, an upvar, else the largest.
    Value(usize),
    /// Nothing.
    Padding,
}

/// The bytes of a value.
pub fn range(value: &Value) -> Range<u64> {
    value.offset..value.offset + value.size
}

/// Whether two ranges have bytes in common.
pub fn intersect(one: &Range<u64>, other: &Range<u64>) -> bool {
    one.start.max(other.start) < one.end.min(other.end)
}

/// All bytes of a coroutine of `size`, in order, and each once.
pub fn parts(size: u64, tag: Option<Bytes>, values: &[Value]) -> Vec<Part> {
    let tag = tag.map(|tag| tag.offset..tag.offset + tag.size);
    let ranges = values.iter().map(range).chain(tag.clone());
    let mut borders: Vec<_> = ranges.flat_map(|range| [range.start, range.end]).collect();
    borders.extend([0, size]);
    borders.sort_unstable();
    borders.dedup();
    let mut parts = Vec::<Part>::new();
    for pair in borders.windows(2) {
        let piece = pair[0]..pair[1].min(size);
        if piece.is_empty() {
            continue;
        }
        let of = owner(&piece, tag.as_ref(), values);
        match parts.last_mut() {
            Some(last) if last.of == of => last.size += piece.end - piece.start,
            _ => parts.push(Part { offset: piece.start, size: piece.end - piece.start, of }),
        }
    }
    parts
}

/// What a piece is for that no value has only a part of.
fn owner(piece: &Range<u64>, tag: Option<&Range<u64>>, values: &[Value]) -> Owner {
    if tag.is_some_and(|tag| intersect(tag, piece)) {
        return Owner::Tag;
    }
    let holders = values.iter().enumerate().filter(|(_, value)| intersect(&range(value), piece));
    let best = holders
        .max_by_key(|(index, value)| (value.is_upvar, value.size, std::cmp::Reverse(*index)));
    best.map_or(Owner::Padding, |(index, _)| Owner::Value(index))
}

/// How many bytes some values take, if those that they share count once.
pub fn bytes_of<'a>(values: impl Iterator<Item = &'a Value>) -> u64 {
    let mut ranges: Vec<_> = values.map(range).collect();
    ranges.sort_unstable_by_key(|range| range.start);
    let (mut sum, mut end) = (0, 0);
    for range in ranges {
        sum += range.end.saturating_sub(range.start.max(end));
        end = end.max(range.end);
    }
    sum
}

/// For each value, the others whose bytes it shares.
pub fn overlaps(values: &[Value]) -> Vec<Vec<usize>> {
    let others = |index: usize| {
        let own = range(&values[index]);
        let shared =
            move |&other: &usize| other != index && intersect(&own, &range(&values[other]));
        (0..values.len()).filter(shared).collect()
    };
    (0..values.len()).map(others).collect()
}

/// For each value, one that is likely to be the same: an upvar and a saved variable of one name and
/// one type that share no bytes, as if it had been copied.
pub fn twins(values: &[Value]) -> Vec<Option<usize>> {
    let is_twin = |one: &Value, other: &Value| {
        one.is_upvar != other.is_upvar
            && one.size > 0
            && one.name.is_some()
            && one.name == other.name
            && one.ty == other.ty
            && !intersect(&range(one), &range(other))
    };
    values.iter().map(|value| values.iter().position(|other| is_twin(value, other))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str, is_upvar: bool, offset: u64, size: u64) -> Value {
        Value {
            name: Some(name.into()),
            ty: "[u8; 8]".into(),
            is_upvar,
            offset,
            size,
            ..Value::default()
        }
    }

    #[test]
    fn each_byte_has_one_use() {
        let values = [
            value("argument", true, 0, 4),
            value("large", false, 8, 16),
            value("small", false, 20, 8),
        ];
        let parts = parts(40, Some(Bytes { offset: 32, size: 1 }), &values);
        let found: Vec<_> = parts.iter().map(|part| (part.offset, part.size, part.of)).collect();
        let expected = [
            (0, 4, Owner::Value(0)),
            (4, 4, Owner::Padding),
            (8, 16, Owner::Value(1)),
            (24, 4, Owner::Value(2)),
            (28, 4, Owner::Padding),
            (32, 1, Owner::Tag),
            (33, 7, Owner::Padding),
        ];
        assert_eq!(found, expected);
        assert_eq!(parts.iter().map(|part| part.size).sum::<u64>(), 40);
    }

    #[test]
    fn a_coroutine_without_bytes_has_no_parts() {
        assert_eq!(parts(0, None, &[value("nothing", false, 0, 0)]), []);
        assert_eq!(parts(4, None, &[]), [Part { offset: 0, size: 4, of: Owner::Padding }]);
    }

    #[test]
    fn shared_bytes_count_once() {
        let values = [value("a", false, 0, 8), value("b", false, 4, 8), value("c", false, 5, 2)];
        assert_eq!(bytes_of(values.iter()), 12);
        assert_eq!(overlaps(&values), [vec![1, 2], vec![0, 2], vec![0, 1]]);
    }

    #[test]
    fn values_that_meet_do_not_overlap() {
        let values = [value("a", false, 0, 8), value("b", false, 8, 8), value("c", false, 8, 0)];
        assert_eq!(overlaps(&values), [vec![], vec![], vec![0; 0]]);
    }

    #[test]
    fn only_an_upvar_with_bytes_of_its_own_is_kept_twice() {
        let values = [value("a", true, 0, 8), value("a", false, 8, 8), value("b", false, 16, 8)];
        assert_eq!(twins(&values), [Some(1), Some(0), None]);
        let in_place = [value("a", true, 0, 8), value("a", false, 0, 8)];
        assert_eq!(twins(&in_place), [None, None]);
        let both_saved = [value("a", false, 0, 8), value("a", false, 8, 8)];
        assert_eq!(twins(&both_saved), [None, None]);
    }
}

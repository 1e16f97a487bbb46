//! What one build gave: the coroutines of all crates, and what of them is in the binaries.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::dump::Coroutine;
use super::names::with_crate;

/// What one build gave.
#[derive(Debug, Default)]
pub struct Build {
    /// All coroutines that got code in some crate.
    pub coroutines: Vec<Coroutine>,
    /// The binaries, and the functions that have code in each.
    pub functions: Vec<(String, HashSet<String>)>,
}

/// A coroutine that is in a binary.
#[derive(Debug)]
pub struct Kept<'a> {
    /// The coroutine.
    pub coroutine: &'a Coroutine,
    /// The binaries.
    pub binaries: BTreeSet<String>,
}

impl Build {
    /// The coroutines that end up in a binary: those whose code is there, and those that are part
    /// of these. The same one of several crates is there once.
    pub fn kept(&self) -> Vec<Kept<'_>> {
        let mut binaries: Vec<_> =
            self.coroutines.iter().map(|coroutine| self.binaries_with(coroutine)).collect();
        let parts = self.parts();
        let mut waiting: Vec<_> =
            (0..binaries.len()).filter(|&place| !binaries[place].is_empty()).collect();
        while let Some(place) = waiting.pop() {
            let of_whole = binaries[place].clone();
            for &part in &parts[place] {
                let count = binaries[part].len();
                binaries[part].extend(of_whole.iter().cloned());
                if binaries[part].len() > count {
                    waiting.push(part);
                }
            }
        }
        let mut kept = Vec::<Kept<'_>>::new();
        let mut places = HashMap::new();
        for (coroutine, binaries) in self.coroutines.iter().zip(binaries) {
            if binaries.is_empty() {
                continue;
            }
            let name = with_crate(&coroutine.name, &coroutine.defined_in);
            let key = (name, &coroutine.source, coroutine.size, coroutine.saved.len());
            let place = *places.entry(key).or_insert(kept.len());
            match kept.get_mut(place) {
                Some(same) => same.binaries.extend(binaries),
                None => kept.push(Kept { coroutine, binaries }),
            }
        }
        kept
    }

    /// The binaries that have code of the coroutine.
    fn binaries_with(&self, coroutine: &Coroutine) -> BTreeSet<String> {
        let with_code =
            self.functions.iter().filter(|(_, functions)| functions.contains(&coroutine.symbol));
        with_code.map(|(binary, _)| binary.clone()).collect()
    }

    /// For each coroutine the places of those that are part of it.
    fn parts(&self) -> Vec<Vec<usize>> {
        let mut places = HashMap::<_, Vec<usize>>::new();
        let mut places_in_crates = HashMap::<_, Vec<usize>>::new();
        for (place, coroutine) in self.coroutines.iter().enumerate() {
            let Coroutine { name, defined_in, krate, .. } = coroutine;
            places.entry(with_crate(name, defined_in)).or_default().push(place);
            places_in_crates.entry((krate.as_str(), name.as_str())).or_default().push(place);
        }
        let parts = |coroutine: &Coroutine| {
            let values = coroutine.upvars.iter().chain(&coroutine.saved);
            let names: BTreeSet<_> = values.flat_map(|value| &value.coroutines).collect();
            let find = |name: &String| {
                let in_crate = places_in_crates.get(&(coroutine.krate.as_str(), name.as_str()));
                in_crate.or_else(|| places.get(name)).cloned().unwrap_or_default()
            };
            names.into_iter().flat_map(find).collect()
        };
        self.coroutines.iter().map(parts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::futures::dump::parse;

    #[test]
    fn what_the_linker_drops_is_not_kept() {
        let coroutines = parse(include_str!("fixtures/off.json"), "app").unwrap();
        let functions = |symbol: &str| vec![("app".to_owned(), [symbol.to_owned()].into())];
        let names = |build: &Build| {
            build.kept().iter().map(|kept| kept.coroutine.path.clone()).collect::<Vec<_>>()
        };
        let build = Build { coroutines: coroutines.clone(), functions: functions("serve_poll") };
        assert_eq!(names(&build), ["serve::{closure#0}", "read::{closure#0}"]);
        let build = Build { coroutines: coroutines.clone(), functions: functions("read_poll") };
        assert_eq!(names(&build), ["read::{closure#0}"]);
        let build = Build { coroutines, functions: functions("main") };
        assert_eq!(names(&build), [""; 0]);
    }

    #[test]
    fn an_instance_of_several_crates_is_kept_once() {
        let mut coroutines = parse(include_str!("fixtures/off.json"), "app").unwrap();
        coroutines.extend(coroutines.clone());
        let functions = vec![
            ("app".to_owned(), ["serve_poll".to_owned()].into()),
            ("test".to_owned(), ["read_poll".to_owned()].into()),
        ];
        let build = Build { coroutines, functions };
        let kept = build.kept();
        assert_eq!(kept.len(), 2);
        assert_eq!(kept[1].binaries, BTreeSet::from(["app".to_owned(), "test".to_owned()]));
    }
}

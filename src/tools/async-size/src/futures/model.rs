//! What is told of the futures: those of both builds side by side, and what follows from each
//! other's facts.
//!
//! All that is [`Serialize`] here is the report for programs, and the data of the page.

use std::collections::{BTreeSet, HashMap};

use measure::opt_level::OptLevel;
use measure::panic_strategy::PanicStrategy;
use serde::Serialize;

use super::advice::Advice;
use super::build::{Build, Kept};
use super::dump::{self, Bytes, Coroutine, Source};
use super::layout::{self, Part};
use super::names::{bare, cut, short_of_coroutine, short_type, with_crate};

/// How many characters of its type name a value that has no name.
const LABEL: usize = 32;

/// What the compiler calls the variable for what an await polls.
const AWAITEE: &str = "__awaitee";

/// The futures of the binaries that were built for one target, level and panic strategy.
#[derive(Debug, Serialize)]
pub struct Group {
    /// The triple.
    pub target: String,
    /// The optimization level, as rustc names it.
    pub level: &'static str,
    /// What a panic does, as rustc names it.
    pub panic: &'static str,
    /// The futures, the largest first.
    pub futures: Vec<Future>,
}

/// A future, with the passes off and on.
#[derive(Debug, Serialize)]
pub struct Future {
    /// Its name for people.
    pub short: String,
    /// Its type as the crate that has its code names it.
    pub name: String,
    /// Its item, without generic arguments.
    pub path: String,
    /// The crate with its source.
    pub defined_in: String,
    /// What was written: `async fn`, `async block` and so on.
    pub kind: String,
    /// The crate that has its code.
    #[serde(skip)]
    pub krate: String,
    /// Where it is written.
    pub source: Option<Source>,
    /// The binaries that it ends up in, in either build.
    pub binaries: BTreeSet<String>,
    /// How it is with the passes off; none if it is not in the binaries then.
    pub off: Option<Layout>,
    /// How it is with the passes on; none if it is part of other futures then.
    pub on: Option<Layout>,
}

/// How a future is laid out in one build.
#[derive(Debug, Serialize)]
pub struct Layout {
    /// In bytes.
    pub size: u64,
    /// In bytes.
    pub align: u64,
    /// The number of the state, if there are states.
    pub tag: Option<Bytes>,
    /// All that it holds: its upvars, then what it saves.
    pub values: Vec<Value>,
    /// Its states, by number.
    pub states: Vec<State>,
    /// What became of the awaits in it.
    pub awaits: Vec<Await>,
    /// Its bytes, each once.
    pub parts: Vec<Part>,
}

/// A value that a future holds.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Value {
    /// The variable, if there is one in the source.
    pub name: Option<String>,
    /// That name, or what it is if it has none.
    pub label: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// Its type for people.
    pub short_type: String,
    /// Whether it is what an await polls.
    pub is_awaited: bool,
    /// Whether it is an upvar, and not saved.
    pub is_upvar: bool,
    /// The futures that are part of it, by their places in the group.
    pub futures: Vec<usize>,
    /// The same as the compiler names them.
    #[serde(skip)]
    pub coroutines: Vec<String>,
    /// Where it is declared.
    pub source: Option<Source>,
    /// Where its bytes are.
    pub offset: u64,
    /// How many they are.
    pub size: u64,
    /// Its alignment.
    pub align: u64,
    /// The states in which it is saved, by number. An upvar has its place in all of them in which
    /// nothing else is there.
    pub states: Vec<usize>,
    /// The values that it shares bytes with.
    pub overlaps: Vec<usize>,
    /// The value that it is likely to be a copy of, or the other way round.
    pub twin: Option<usize>,
}

/// A state of a future.
#[derive(Clone, Debug, Serialize)]
pub struct State {
    /// `Unresumed`, `Returned`, `Panicked`, `Suspend0` and so on.
    pub name: String,
    /// Where it waits.
    pub source: Option<Source>,
    /// Up to where bytes are in use.
    pub size: u64,
    /// How many of these are in use.
    pub used: u64,
    /// What is saved in it, by index.
    pub saved: Vec<usize>,
    /// The states that may follow, by number.
    pub leads_to: Vec<usize>,
}

/// An await, and all that became of it.
#[derive(Debug, Serialize)]
pub struct Await {
    /// The type that is polled.
    pub awaitee: String,
    /// That type for people.
    pub short: String,
    /// The expression.
    pub source: Option<Source>,
    /// The future that is polled, by its place in the group, if it is one of them.
    pub future: Option<usize>,
    /// What became of it: of each kind at most one.
    pub fates: Vec<Fate>,
}

/// What became of an await.
#[derive(Debug, Serialize)]
pub struct Fate {
    /// As the compiler names it.
    pub fate: String,
    /// The await that it shares a suspension point with, or does not.
    pub with: Option<Source>,
    /// Why not, as the compiler says it.
    pub reason: Option<String>,
    /// How much code the awaitee is, as the compiler counts.
    pub cost: Option<u64>,
    /// Up to how much is inlined in every place.
    pub limit: Option<u64>,
    /// The same in words.
    pub words: String,
    /// What would change it, if that is known.
    pub remedy: Option<String>,
}

impl Group {
    /// The futures of two builds that end up in a binary, side by side.
    pub fn new(
        target: &str,
        level: OptLevel,
        panic: PanicStrategy,
        off: &Build,
        on: &Build,
    ) -> Self {
        let mut futures = Vec::<Future>::new();
        let mut places = HashMap::new();
        for (is_on, build) in [(true, on), (false, off)] {
            for (key, Kept { coroutine, binaries }) in with_keys(build.kept()) {
                let place = *places.entry(key).or_insert_with(|| {
                    futures.push(Future::new(coroutine));
                    futures.len() - 1
                });
                let future = &mut futures[place];
                future.binaries.extend(binaries);
                let layout = Some(Layout::new(coroutine));
                if is_on {
                    future.on = layout;
                } else {
                    future.off = layout;
                }
            }
        }
        futures.sort_by(|one, other| {
            other.sizes().cmp(&one.sizes()).then_with(|| one.short.cmp(&other.short))
        });
        link(&mut futures);
        let (target, level, panic) = (target.to_owned(), level.name(), panic.name());
        Group { target, level, panic, futures }
    }

    /// What its futures have in common, in words.
    pub fn title(&self) -> String {
        format!("{}, opt-level {}, panic {}", self.target, self.level, self.panic)
    }

    /// The futures whose name has `part` in it. Only those that are called so, if there are any.
    pub fn find(&self, part: &str) -> Vec<&Future> {
        let names =
            |future: &Future| [&future.short, &future.name, &future.path].map(String::clone);
        let select = |test: &dyn Fn(&str) -> bool| -> Vec<&Future> {
            let is_meant = |future: &&Future| names(future).iter().any(|name| test(name));
            self.futures.iter().filter(is_meant).collect()
        };
        let called = select(&|name| name == part);
        if called.is_empty() { select(&|name| name.contains(part)) } else { called }
    }
}

/// What makes a future the same in two builds: its name, where it is written, and its number among
/// those for which that is the same.
type Key = (String, Option<Source>, usize);

fn with_keys(kept: Vec<Kept<'_>>) -> Vec<(Key, Kept<'_>)> {
    let mut counts = HashMap::<_, usize>::new();
    let mut keyed = Vec::new();
    for kept in kept {
        let Coroutine { name, defined_in, source, .. } = kept.coroutine;
        let name = with_crate(name, defined_in);
        let count = counts.entry((name.clone(), source)).or_default();
        *count += 1;
        keyed.push(((name, source.clone(), *count), kept));
    }
    keyed
}

/// Finds which futures are part of which values, and are awaited.
fn link(futures: &mut [Future]) {
    let mut places = HashMap::new();
    let mut places_in_crates = HashMap::new();
    for (place, future) in futures.iter().enumerate() {
        places.entry(with_crate(&future.name, &future.defined_in)).or_insert(place);
        places_in_crates.entry((future.krate.clone(), future.name.clone())).or_insert(place);
    }
    for future in futures {
        let krate = &future.krate;
        let find = |name: &String| {
            let in_crate = places_in_crates.get(&(krate.clone(), name.clone()));
            in_crate.or_else(|| places.get(name)).copied()
        };
        for layout in [&mut future.off, &mut future.on].into_iter().flatten() {
            for value in &mut layout.values {
                value.futures = value.coroutines.iter().filter_map(find).collect();
            }
            for found in &mut layout.awaits {
                found.future = find(&found.awaitee);
            }
        }
    }
}

impl Future {
    fn new(coroutine: &Coroutine) -> Self {
        let Coroutine { name, path, defined_in, kind, krate, source, .. } = coroutine.clone();
        Future {
            short: short_of_coroutine(&name, &defined_in),
            name,
            path,
            defined_in,
            kind,
            krate,
            source,
            binaries: BTreeSet::new(),
            off: None,
            on: None,
        }
    }

    /// Its sizes with the passes on and off, for the order. What is gone has none.
    fn sizes(&self) -> [Option<u64>; 2] {
        [&self.on, &self.off].map(|layout| layout.as_ref().map(|layout| layout.size))
    }

    /// The layout with the passes on, or that without them if there is no other.
    pub fn latest(&self) -> Option<&Layout> {
        self.on.as_ref().or(self.off.as_ref())
    }
}

impl Layout {
    fn new(coroutine: &Coroutine) -> Self {
        let Coroutine { size, align, tag, upvars, saved, states, awaits, .. } = coroutine;
        let mut values: Vec<_> = upvars.iter().map(|upvar| Value::new(upvar, true)).collect();
        values.extend(saved.iter().map(|saved| Value::new(saved, false)));
        let states = states_of(states, upvars.len(), &mut values);
        let found = layout::overlaps(&values).into_iter().zip(layout::twins(&values));
        for (value, (overlaps, twin)) in values.iter_mut().zip(found.collect::<Vec<_>>()) {
            (value.overlaps, value.twin) = (overlaps, twin);
        }
        Layout {
            size: *size,
            align: *align,
            tag: *tag,
            parts: layout::parts(*size, *tag, &values),
            values,
            states,
            awaits: awaits_of(awaits),
        }
    }

    /// The number of its suspension points.
    pub fn suspension_points(&self) -> usize {
        self.states.iter().filter(|state| state.is_suspended()).count()
    }

    /// The largest value that is in it.
    pub fn largest(&self) -> Option<&Value> {
        self.values.iter().max_by_key(|value| value.size).filter(|value| value.size > 0)
    }

    /// The states in which a value keeps its bytes, by number: those that wait.
    pub fn waits_with(&self, value: &Value) -> impl Iterator<Item = (usize, &State)> {
        let states = value.states.iter().map(|&number| (number, &self.states[number]));
        states.filter(|(_, state)| state.is_suspended())
    }
}

/// The states, with the numbers of saved values behind `upvars` others. Each value learns in which
/// of them it is.
fn states_of(states: &[dump::State], upvars: usize, values: &mut [Value]) -> Vec<State> {
    let mut made = Vec::new();
    for (number, state) in states.iter().enumerate() {
        let in_range = |index: &usize| *index < values.len();
        let saved: Vec<_> =
            state.saved.iter().map(|index| index + upvars).filter(in_range).collect();
        for &index in &saved {
            values[index].states.push(number);
        }
        // One that has ended holds nothing.
        let upvars = if ["Returned", "Panicked"].contains(&&*state.name) { 0 } else { upvars };
        // Where something else is saved in an upvar's place, nothing needs that upvar any more.
        let is_needed = |upvar: &usize| {
            let bytes = layout::range(&values[*upvar]);
            !saved.iter().any(|&index| layout::intersect(&bytes, &layout::range(&values[index])))
        };
        let held = (0..upvars).filter(is_needed).chain(saved.iter().copied());
        let used = layout::bytes_of(held.map(|index| &values[index]));
        let mut leads_to = state.leads_to.clone();
        leads_to.retain(|&next| next < states.len());
        made.push(State {
            name: state.name.clone(),
            source: state.source.clone(),
            size: state.size,
            used,
            saved,
            leads_to,
        });
    }
    made
}

impl Value {
    fn new(value: &dump::Value, is_upvar: bool) -> Self {
        let dump::Value { name, ty, coroutines, source, offset, size, align } = value.clone();
        let short_type = short_type(&ty);
        let is_awaited = name.as_deref() == Some(AWAITEE);
        let name = name.filter(|_| !is_awaited);
        let label = match &name {
            Some(name) => name.clone(),
            None if is_awaited => format!("await of {}", cut(&bare(&short_type), LABEL)),
            None => cut(&short_type, LABEL),
        };
        Value {
            name,
            label,
            ty,
            short_type,
            is_awaited,
            is_upvar,
            coroutines,
            source,
            offset,
            size,
            align,
            ..Value::default()
        }
    }
}

impl State {
    /// Whether it is that of a suspension point.
    pub fn is_suspended(&self) -> bool {
        self.name.starts_with("Suspend")
    }
}

/// The awaits with all that became of each. One that stands in a body that was inlined twice is
/// one here; the last thing of a kind that is said of it holds.
fn awaits_of(found: &[dump::Await]) -> Vec<Await> {
    let mut awaits = Vec::<Await>::new();
    for found in found {
        let is_same =
            |other: &Await| other.source == found.source && other.awaitee == found.awaitee;
        let place = awaits.iter().position(is_same).unwrap_or_else(|| {
            awaits.push(Await {
                awaitee: found.awaitee.clone(),
                short: short_type(&found.awaitee),
                source: found.source.clone(),
                future: None,
                fates: vec![],
            });
            awaits.len() - 1
        });
        let fates = &mut awaits[place].fates;
        let kind = kind_of(&found.fate);
        fates.retain(|fate| kind_of(&fate.fate) != kind);
        fates.push(Fate::new(found));
    }
    awaits.sort_by(|one, other| one.source.cmp(&other.source));
    awaits
}

/// What a fate is about: those of one kind exclude each other.
fn kind_of(fate: &str) -> &str {
    fate.strip_prefix("not ").unwrap_or(if fate.contains("waits") { "waits" } else { fate })
}

impl Fate {
    fn new(found: &dump::Await) -> Self {
        let Advice { words, remedy } = Advice::on(found);
        let dump::Await { fate, with, reason, cost, limit, .. } = found.clone();
        Fate { fate, with, reason, cost, limit, words, remedy }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A program with the passes off and on: `serve` awaits `read` and twice `Timer`.
    pub fn group() -> Group {
        let build = |text: &str| Build {
            coroutines: dump::parse(text, "app").unwrap(),
            functions: vec![("app".to_owned(), ["serve_poll".to_owned()].into())],
        };
        let off = build(include_str!("fixtures/off.json"));
        let on = build(include_str!("fixtures/on.json"));
        Group::new("thumbv7em-none-eabi", OptLevel::Z, PanicStrategy::Abort, &off, &on)
    }

    #[test]
    fn futures_are_side_by_side_with_the_largest_first() {
        let group = group();
        let found: Vec<_> =
            (group.futures.iter()).map(|future| (future.short.as_str(), future.sizes())).collect();
        let expected = [("app::serve", [Some(96), Some(160)]), ("app::read", [None, Some(80)])];
        assert_eq!(found, expected);
    }

    #[test]
    fn values_know_where_they_are_kept_and_what_is_in_them() {
        let group = group();
        let off = group.futures[0].off.as_ref().unwrap();
        let [socket, buffer, reading, _] = &off.values[..] else { panic!("{:?}", off.values) };
        assert!(socket.is_upvar && socket.states.is_empty());
        assert_eq!((&*buffer.label, &*reading.label), ("buffer", "await of read"));
        assert_eq!(buffer.states, [3, 4]);
        assert_eq!(reading.futures, [1], "it holds `read`");
        assert_eq!(reading.overlaps, [3]);
        let lines: Vec<_> =
            off.waits_with(buffer).map(|(_, state)| state.source.as_ref().unwrap().line).collect();
        assert_eq!(lines, [12, 14]);
    }

    #[test]
    fn states_say_how_many_bytes_are_in_use() {
        let group = group();
        let off = group.futures[0].off.as_ref().unwrap();
        assert_eq!(off.suspension_points(), 2);
        assert_eq!(off.states[3].used, 8 + 64 + 80);
        assert_eq!([0, 1, 2].map(|state| off.states[state].used), [8, 0, 0]);
        assert_eq!(off.states[3].leads_to, [1, 3, 4]);
    }

    #[test]
    fn of_a_kind_the_last_fate_of_an_await_holds() {
        let group = group();
        let on = group.futures[0].on.as_ref().unwrap();
        let fates: Vec<Vec<_>> = (on.awaits.iter())
            .map(|found| found.fates.iter().map(|fate| fate.fate.as_str()).collect())
            .collect();
        assert_eq!(fates, [vec!["inlined"], vec!["not inlined", "merged"], vec!["never waits"]]);
    }

    #[test]
    fn futures_are_found_by_a_part_of_their_name() {
        let group = group();
        let names = |part| group.find(part).iter().map(|future| &*future.short).collect::<Vec<_>>();
        assert_eq!(names("app::"), ["app::serve", "app::read"]);
        assert_eq!(names("read"), ["app::read"]);
        assert_eq!(names("nothing"), [""; 0]);
    }
}

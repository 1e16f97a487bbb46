//! What became of an await in plain words, and what would change it.
//!
//! The compiler gives its reasons in half a sentence each; [`NOT_INLINED`] and [`NOT_MERGED`] say
//! for each of them what it means. A test reads the source of the passes, so that none is missing.

use super::dump::Await;

/// A reason as the compiler has it, what it means, and what to do; nothing, if nothing is known.
type Reason = (&'static str, &'static str, Option<&'static str>);

/// The reason that an awaitee of this crate is larger than the limit.
const TOO_LARGE: &str = "is too large";

/// Why an awaitee is not made part of the future that awaits it. The subject is the awaitee.
const NOT_INLINED: &[Reason] = &[
    (
        TOO_LARGE,
        "its body is larger than what is inlined in every place",
        Some(
            "put #[inline(always)] on the async fn, make its body smaller, or await it in one \
             place only: a private async fn that is named once, where it is awaited, is inlined \
             whatever its size",
        ),
    ),
    (
        "is from another crate, which has not recorded its body",
        "its crate offers no body to inline: that is too large, or the crate is compiled without \
         the passes",
        Some(
            "compile the crate that defines it with -Zasync-returned-panic=no, and put \
             #[inline(always)] on the async fn if it is large",
        ),
    ),
    (
        "makes the body too large",
        "the future with it would be more code than any body may grow to",
        Some("have a part of this future in an async fn with #[inline(never)]"),
    ),
    (
        "is no coroutine",
        "it has a poll of its own, or is behind a pointer; only async fns and blocks are",
        Some("if that wraps an async fn, as a Box or a Pin does, await the async fn itself"),
    ),
    (
        "is known to each instance only",
        "it is generic, or what a method of a generic type returns",
        Some("have the function that awaits it take the type that it is used with"),
    ),
    ("is no async fn, block or closure", "it is made by a gen block or the like", None),
    ("awaits itself", "it is recursive", Some("write the recursion as a loop")),
    (
        "may await the body that it would be inlined into",
        "it may await this future in turn",
        Some("write the recursion as a loop"),
    ),
    (
        "is never to be inlined",
        "it says #[inline(never)]",
        Some("take #[inline(never)] from the async fn"),
    ),
    (
        "is not to be optimized",
        "it says #[optimize(none)]",
        Some("take #[optimize(none)] from the async fn"),
    ),
    (
        "is told where it is polled",
        "it says #[track_caller]",
        Some("take #[track_caller] from the async fn"),
    ),
    (
        "is compiled in another way",
        "its target features, instruction set or sanitizers are not those of this future",
        Some("give both the same #[target_feature], #[instruction_set] and #[sanitize]"),
    ),
    (
        "has errors, or counts what is run of it",
        "it is instrumented for coverage",
        Some("compile without -Cinstrument-coverage"),
    ),
    (
        "has its runs counted",
        "it is instrumented for coverage",
        Some("compile without -Cinstrument-coverage"),
    ),
    (
        "has inline assembly",
        "it has inline assembly, which may define symbols and so may not be copied",
        Some("move the assembly to a function that is not async"),
    ),
    ("refers to itself as a whole", "its body refers to all of the future at once", None),
    (
        "has a constant that may fail to be evaluated",
        "a constant in it, such as `const { … }` or one with generic arguments, may be an error \
         that names the instance",
        Some("make it a const item without generic parameters"),
    ),
    (
        "has an alias with a bound variable",
        "it has a type with a lifetime that is bound in that type, as in `for<'a> fn(&'a T)`",
        None,
    ),
    (
        "has a type that could need the layout that is made",
        "it has an associated type that cannot be looked up before this future has its layout",
        Some("name the type itself instead of the associated one"),
    ),
    (
        "has types that nest too deep",
        "a type in it is nested so deep, or has so many parts, that to prove or normalize \
         something of it may exceed the recursion limit, or take long",
        Some("name fewer layers of generic types, or put a dyn type between them"),
    ),
    (
        "has a type about which much has to be proved",
        "it takes many steps, or steps that are not known, to prove what an associated type of it \
         is, or whether a type in it is Copy",
        Some("name the type itself instead of the associated one"),
    ),
    (
        "has other code between it and its poll",
        "something else happens between making the future and awaiting it",
        Some("await the call itself: `f(x).await`"),
    ),
    (
        "is not borrowed where it is pinned",
        "it is not awaited by value",
        Some("await the call itself: `f(x).await`"),
    ),
    ("does not suspend as an await does", "what follows its poll is not what an await does", None),
    (
        "is not dropped first when it is cancelled",
        "something else is dropped before it when this future is dropped",
        None,
    ),
    ("cannot be normalized", "its types are not known where it is awaited", None),
    (
        "does not hold together when it is normalized",
        "its types do not fit where it is awaited",
        None,
    ),
    (
        "is a method of which there may be several",
        "which impl runs is not known here",
        Some("call the method for a type that is known"),
    ),
    (
        "is of a type that is not known yet, or by the compiler itself",
        "which body runs is not known here",
        Some("call it for a type that is known"),
    ),
    ("is no function that is written out", "there is no body of it in the source", None),
    ("is required, and has no body", "it is a method that each impl writes", None),
    (
        "is of another crate, which has not recorded its body",
        "its crate offers no body of it",
        Some("put #[inline] on the function"),
    ),
    ("is of a trait that is not implemented", "no impl is known for its type", None),
    ("may be specialized", "another impl may run in its place", None),
    ("is of a foreign block", "its body is not Rust", None),
    ("is an intrinsic", "the compiler itself makes its body", None),
    ("is naked", "its body is assembly", None),
    (
        "may be replaced by the linker",
        "it has #[no_mangle], #[export_name] or #[linkage]",
        Some("take that attribute from it"),
    ),
];

/// Why awaits do not share a suspension point. The subject are the awaits.
const NOT_MERGED: &[Reason] = &[
    (
        "hold different locals",
        "each has something else to keep meanwhile",
        Some("keep the same values over both: let those end that only one of them needs"),
    ),
    (
        "would have other states hold more",
        "what one has moved or ended by then would be kept in states behind it",
        Some("end what is not needed any more before the await, as by a block of its own"),
    ),
    (
        "hold different locals at different entries",
        "each has something else to keep meanwhile, by the way that leads to it",
        Some("keep the same values over both: let those end that only one of them needs"),
    ),
    (
        "hold different locals, and go on in the same way",
        "each has something else to keep meanwhile, though the same follows",
        Some("keep the same values over both: let those end that only one of them needs"),
    ),
    (
        "cost more together than apart",
        "to tell them apart afterwards takes more code than a suspension point",
        Some("write the await once, behind what makes the future, as in a loop or a helper"),
    ),
    (
        "go on differently, and are to be fast",
        "to tell them apart afterwards takes time",
        Some("compile for size: opt-level s or z"),
    ),
    (
        "are made of different constants",
        "they differ in a constant, which would have to be saved",
        None,
    ),
    (
        "may see where they are polled",
        "what is polled may be told the place in the source",
        Some("take #[track_caller] from the poll"),
    ),
    ("do not suspend in the same way", "what they drop or run when they suspend differs", None),
];

/// What became of an await, in words.
#[derive(Debug, PartialEq)]
pub struct Advice {
    /// What it is, as a sentence without its end.
    pub words: String,
    /// What would change it, if that is known and to be wished for.
    pub remedy: Option<String>,
}

impl Advice {
    /// Explains what became of an await. What is not known here is given as the compiler says it.
    pub fn on(found: &Await) -> Self {
        match found.fate.as_str() {
            "never waits" => Self::fact("never waits: it has no state, and nothing is kept for it"),
            "waits if its awaitee does" => Self::fact(
                "is in generic code: where the awaitee never waits, the await has no state",
            ),
            "inlined" => Self::fact("inlined: its awaitee is a part of this future"),
            "merged" => Self::fact(&format!("merged: its code is that of {}", with(found))),
            "not inlined" => Self::explain("not inlined", NOT_INLINED, found),
            "not merged" => {
                Self::explain(&format!("not merged with {}", with(found)), NOT_MERGED, found)
            }
            other => Self::fact(other),
        }
    }

    fn fact(words: &str) -> Self {
        Advice { words: words.to_owned(), remedy: None }
    }

    fn explain(what: &str, reasons: &[Reason], found: &Await) -> Self {
        let given = found.reason.as_deref().unwrap_or("for a reason that is not given");
        let known = reasons.iter().find(|(reason, ..)| *reason == given);
        let Some((_, meaning, remedy)) = known else {
            return Self::fact(&format!("{what}: {given}"));
        };
        let sizes = match (found.cost, found.limit) {
            (Some(cost), Some(limit)) if given == TOO_LARGE => {
                format!(" (it counts as {cost}, and the limit is {limit})")
            }
            _ => String::new(),
        };
        Advice {
            words: format!("{what}: {meaning}{sizes}"),
            remedy: remedy.map(|remedy| remedy.to_owned()),
        }
    }
}

/// The await that another one is compared with.
fn with(found: &Await) -> String {
    found
        .with
        .as_ref()
        .map_or("another await".to_owned(), |with| format!("the await at line {}", with.line))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;

    use measure::arguments::repository;

    use super::*;

    fn found(fate: &str, reason: Option<&str>) -> Await {
        Await {
            awaitee: "A".into(),
            source: None,
            fate: fate.into(),
            with: None,
            reason: reason.map(str::to_owned),
            cost: Some(80),
            limit: Some(60),
        }
    }

    #[test]
    fn an_awaitee_that_is_too_large_has_its_sizes_and_a_remedy() {
        let advice = Advice::on(&found("not inlined", Some(TOO_LARGE)));
        assert!(advice.words.contains("counts as 80, and the limit is 60"), "{}", advice.words);
        assert!(advice.remedy.unwrap().contains("#[inline(always)]"));
    }

    #[test]
    fn what_is_not_known_is_given_as_it_is() {
        let advice = Advice::on(&found("not inlined", Some("is out of fashion")));
        assert_eq!(advice, Advice::fact("not inlined: is out of fashion"));
        assert_eq!(Advice::on(&found("postponed", None)), Advice::fact("postponed"));
    }

    #[test]
    fn an_await_that_is_merged_says_with_which() {
        assert!(Advice::on(&found("merged", None)).words.contains("another await"));
    }

    /// The texts in the source `files` of the passes, but for those of their logs and bugs.
    fn texts(files: &[&str]) -> BTreeSet<String> {
        let folder = repository().join("compiler/rustc_mir_transform/src");
        let mut texts = BTreeSet::new();
        for file in files {
            let text = fs::read_to_string(folder.join(file)).unwrap();
            let lines = text.lines().map(str::trim).filter(|line| {
                !["//", "debug!", "#["].iter().any(|start| line.starts_with(start))
                    && !line.contains("bug!(")
            });
            for line in lines {
                let quoted = line.split('"').skip(1).step_by(2).filter(|text| text.contains(' '));
                texts.extend(quoted.map(str::to_owned));
            }
        }
        texts
    }

    #[track_caller]
    fn check_table(reasons: &[Reason], files: &[&str]) {
        let known: BTreeSet<_> = reasons.iter().map(|(reason, ..)| (*reason).to_owned()).collect();
        assert_eq!(known.len(), reasons.len(), "a reason stands there twice");
        let given = texts(files);
        let missing: Vec<_> = given.difference(&known).collect();
        let gone: Vec<_> = known.difference(&given).collect();
        assert!(missing.is_empty() && gone.is_empty(), "missing: {missing:?}, gone: {gone:?}");
    }

    #[test]
    fn every_reason_of_the_compiler_has_words() {
        check_table(
            NOT_INLINED,
            &[
                "bodies_to_inline.rs",
                "certain_body.rs",
                "inline_await.rs",
                "inline_await/instance.rs",
                "inline_await/integrate.rs",
            ],
        );
        check_table(
            NOT_MERGED,
            &[
                "collapse_suspension_points.rs",
                "collapse_suspension_points/compare.rs",
                "collapse_suspension_points/plan.rs",
            ],
        );
    }
}

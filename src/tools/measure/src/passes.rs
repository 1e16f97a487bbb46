//! The compiler's flag, its passes, and the variants of a build made of them.
//!
//! [`FLAG`] and [`PASSES`] are the one place that names them. A compiler may know fewer passes than
//! this table, so a [`PassChoice`] becomes [`Variant`]s only together with the list of passes that
//! the compiler at hand knows.

use std::str::FromStr;

use anyhow::{Result, bail};

/// The name of the `-Z` flag that turns the passes on, with the value `no`.
pub const FLAG: &str = "async-returned-panic";

/// Every pass that the flag turns on and that works alone, in the order of the table and of the
/// report. `SelectorsInStates` has nothing to do without `CollapseSuspensionPoints`, so it is on
/// in each variant that has the flag.
pub const PASSES: [Pass; 9] = [
    Pass {
        name: "ReturnedPending",
        summary: "a future polled again after its end is pending",
        optimizes: false,
    },
    Pass {
        name: "ElideNoAwait",
        summary: "no state machine for a future that never waits",
        optimizes: true,
    },
    Pass {
        name: "DeadReads",
        summary: "no enum is kept of which a part was moved out",
        optimizes: true,
    },
    Pass {
        name: "CollapseSuspensionPoints",
        summary: "one state for awaits that do the same",
        optimizes: true,
    },
    Pass {
        name: "InlineAwait",
        summary: "awaited futures run inside the one that awaits",
        optimizes: true,
    },
    Pass {
        name: "LateAnswers",
        summary: "answers are kept where the awaitee was",
        optimizes: true,
    },
    Pass {
        name: "FinishedAwaitees",
        summary: "what was awaited to its end is not dropped",
        optimizes: true,
    },
    Pass { name: "ReleaseStorage", summary: "what was only lent is not kept", optimizes: true },
    Pass { name: "UpvarsInPlace", summary: "arguments are kept once, not twice", optimizes: true },
];

/// The name of the variant that every other one is compared with.
pub const OFF: &str = "off";

/// The name of the variant with every pass.
pub const ON: &str = "on";

/// One of the MIR passes.
#[derive(Debug)]
pub struct Pass {
    /// The name as `-Zmir-enable-passes` takes it.
    pub name: &'static str,
    /// What the pass does, in a few words for `--help`.
    pub summary: &'static str,
    /// Whether it runs only where the compiler optimizes, which it does not at opt-level 0.
    pub optimizes: bool,
}

/// The passes, one on each line, for `--help`.
pub fn help() -> String {
    PASSES.iter().map(|pass| format!("  {:<24}  {}\n", pass.name, pass.summary)).collect()
}

/// Which passes a run compares with none, as `--passes` names them.
#[derive(Clone, Debug, PartialEq)]
pub enum PassChoice {
    /// All passes together.
    All,
    /// The same, at opt-level 0, too.
    AtAllLevels,
    /// All passes together, and each one alone.
    Each,
    /// Just these passes, in the order of [`PASSES`].
    Named(Vec<&'static str>),
}

impl FromStr for PassChoice {
    type Err = String;

    /// Reads `all`, `at-all-levels`, `each` or a comma-separated list of passes; the error lists
    /// the valid names.
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => return Ok(PassChoice::All),
            "at-all-levels" => return Ok(PassChoice::AtAllLevels),
            "each" => return Ok(PassChoice::Each),
            _ => {}
        }
        let given: Vec<_> = text.split(',').map(str::trim).collect();
        let names: Vec<_> = PASSES.iter().map(|pass| pass.name).collect();
        if let Some(unknown) = given.iter().find(|given| !names.contains(given)) {
            return Err(format!(
                "no pass is named `{unknown}`; the choices are `all`, `at-all-levels`, `each`, or some \
                 of {}",
                names.join(", ")
            ));
        }
        let names = names.into_iter().filter(|name| given.contains(name)).collect();
        Ok(PassChoice::Named(names))
    }
}

impl PassChoice {
    /// The variants to build, `off` first.
    ///
    /// `known` are the names of the passes that the compiler knows. It is an error to name another.
    pub fn variants(&self, known: &[&'static str]) -> Result<Vec<Variant>> {
        let mut variants = vec![Variant::off()];
        match self {
            PassChoice::All => variants.push(Variant::on()),
            PassChoice::AtAllLevels => variants.push(Variant::on().at_all_levels()),
            PassChoice::Each => {
                variants.push(Variant::on());
                variants.extend(known.iter().map(|&name| Variant::only(&[name], known)));
            }
            PassChoice::Named(names) => {
                if let Some(missing) = names.iter().find(|name| !known.contains(name)) {
                    let known = if known.is_empty() { "none".into() } else { known.join(", ") };
                    bail!(
                        "the compiler has no pass `{missing}`; of this tool's passes it has {known}"
                    );
                }
                variants.push(Variant::only(names, known));
            }
        }
        Ok(variants)
    }
}

/// One way to build a binary: with the flag off, or on with some of the passes.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// `off`, `on`, the names of the passes joined by `+`, or `no-` and the name of one that is
    /// switched off.
    pub name: String,
    /// The flags that rustc gets.
    pub rustflags: Vec<String>,
}

impl Variant {
    /// The build without any pass. It says so with a flag, so that its flags come from the same
    /// source as those of the others.
    pub fn off() -> Self {
        Variant { name: OFF.into(), rustflags: vec![format!("-Z{FLAG}=yes")] }
    }

    /// The build with every pass.
    pub fn on() -> Self {
        Variant { name: ON.into(), rustflags: vec![format!("-Z{FLAG}=no")] }
    }

    /// The build with every pass but the one called `name`.
    pub fn without(name: &str) -> Self {
        let mut rustflags = Self::on().rustflags;
        rustflags.push(format!("-Zmir-enable-passes=-{name}"));
        Variant { name: format!("no-{name}"), rustflags }
    }

    /// The same build, with what the flag turns on at opt-level 0, too.
    pub fn at_all_levels(self) -> Self {
        let on = Self::on().rustflags.remove(0);
        let flag = |flag| if flag == on { format!("{on}-at-all-levels") } else { flag };
        Variant {
            name: format!("{} at all levels", self.name),
            rustflags: self.rustflags.into_iter().map(flag).collect(),
        }
    }

    /// The builds that tell what each pass does: off, on, and on without each one in `known`.
    pub fn without_each(known: &[&'static str]) -> Vec<Self> {
        let without = known.iter().map(|name| Self::without(name));
        [Self::off(), Self::on()].into_iter().chain(without).collect()
    }

    /// Whether the flags switch the pass called `name` off, alone or with all others.
    pub fn is_without(&self, name: &str) -> bool {
        let (none, switch) = (Self::off().rustflags, format!("-{name}"));
        let switches = |flag: &String| {
            flag.strip_prefix("-Zmir-enable-passes=")
                .is_some_and(|passes| passes.split(',').any(|pass| pass == switch))
        };
        self.rustflags == none || self.rustflags.iter().any(switches)
    }

    /// The build with the passes `names`, and the others in `known` switched off.
    pub fn only(names: &[&str], known: &[&str]) -> Self {
        let mut rustflags = Self::on().rustflags;
        let others: Vec<_> = known
            .iter()
            .filter(|name| !names.contains(name))
            .map(|name| format!("-{name}"))
            .collect();
        if !others.is_empty() {
            rustflags.push(format!("-Zmir-enable-passes={}", others.join(",")));
        }
        Variant { name: names.join("+"), rustflags }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> [&'static str; 9] {
        PASSES.map(|pass| pass.name)
    }

    fn named(variants: &[Variant]) -> Vec<&str> {
        variants.iter().map(|variant| variant.name.as_str()).collect()
    }

    #[test]
    fn all_compares_off_with_on() {
        let variants = PassChoice::All.variants(&all()).unwrap();
        assert_eq!(named(&variants), ["off", "on"]);
        assert_eq!(variants[0].rustflags, ["-Zasync-returned-panic=yes"]);
        assert_eq!(variants[1].rustflags, ["-Zasync-returned-panic=no"]);
    }

    #[test]
    fn each_has_every_known_pass_alone() {
        let known = ["ReturnedPending", "ElideNoAwait", "InlineAwait"];
        let variants = PassChoice::Each.variants(&known).unwrap();
        assert_eq!(
            named(&variants),
            ["off", "on", "ReturnedPending", "ElideNoAwait", "InlineAwait"]
        );
        assert_eq!(
            variants[3].rustflags,
            ["-Zasync-returned-panic=no", "-Zmir-enable-passes=-ReturnedPending,-InlineAwait"]
        );
    }

    #[test]
    fn at_all_levels_is_a_choice() {
        let choice: PassChoice = "at-all-levels".parse().unwrap();
        assert_eq!(named(&choice.variants(&all()).unwrap()), ["off", "on at all levels"]);
    }

    #[test]
    fn at_all_levels_the_flag_has_another_value() {
        let variant = Variant::only(&["InlineAwait"], &["InlineAwait", "DeadReads"]);
        let variant = variant.at_all_levels();
        assert_eq!(variant.name, "InlineAwait at all levels");
        assert_eq!(
            variant.rustflags,
            ["-Zasync-returned-panic=no-at-all-levels", "-Zmir-enable-passes=-DeadReads"]
        );
    }

    #[test]
    fn each_pass_is_switched_off_in_turn() {
        let variants = Variant::without_each(&["ElideNoAwait", "InlineAwait"]);
        assert_eq!(named(&variants), ["off", "on", "no-ElideNoAwait", "no-InlineAwait"]);
        assert_eq!(
            variants[3].rustflags,
            ["-Zasync-returned-panic=no", "-Zmir-enable-passes=-InlineAwait"]
        );
    }

    #[test]
    fn named_passes_make_one_variant() {
        let choice: PassChoice = "InlineAwait, ElideNoAwait,InlineAwait".parse().unwrap();
        let variants = choice.variants(&all()).unwrap();
        assert_eq!(named(&variants), ["off", "ElideNoAwait+InlineAwait"]);
        assert_eq!(
            variants[1].rustflags,
            [
                "-Zasync-returned-panic=no",
                "-Zmir-enable-passes=-ReturnedPending,-DeadReads,-CollapseSuspensionPoints,\
                 -LateAnswers,-FinishedAwaitees,-ReleaseStorage,-UpvarsInPlace"
            ]
        );
    }

    #[test]
    fn no_pass_is_switched_off_when_all_are_named() {
        let choice: PassChoice = "ReturnedPending".parse().unwrap();
        let variants = choice.variants(&["ReturnedPending"]).unwrap();
        assert_eq!(variants[1].rustflags, ["-Zasync-returned-panic=no"]);
    }

    #[test]
    fn a_build_tells_which_passes_it_is_without() {
        let known = ["ReturnedPending", "ElideNoAwait", "InlineAwait"];
        let without_inline_await = |variant: Variant| variant.is_without("InlineAwait");
        assert!(without_inline_await(Variant::off()));
        assert!(!without_inline_await(Variant::on()));
        assert!(without_inline_await(Variant::without("InlineAwait")));
        assert!(!without_inline_await(Variant::only(&["InlineAwait"], &known)));
        let others = Variant::only(&["ElideNoAwait"], &known).at_all_levels();
        assert!(without_inline_await(others));
    }

    #[test]
    fn a_wrong_name_lists_the_valid_ones() {
        let error = "ReturnedPending,Inline".parse::<PassChoice>().unwrap_err();
        assert!(error.contains("`Inline`"), "{error}");
        assert!(all().iter().all(|name| error.contains(name)), "{error}");
        assert!("".parse::<PassChoice>().is_err());
    }

    #[test]
    fn a_pass_the_compiler_lacks_is_an_error() {
        let choice: PassChoice = "ReturnedPending,InlineAwait".parse().unwrap();
        let error = choice.variants(&["ReturnedPending"]).unwrap_err().to_string();
        assert!(error.contains("no pass `InlineAwait`"), "{error}");
        assert!(error.ends_with("it has ReturnedPending"), "{error}");
    }
}

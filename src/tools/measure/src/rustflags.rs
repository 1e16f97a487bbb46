//! How cargo hands flags to rustc.
//!
//! A firmware project often needs flags of its own, such as the name of a linker script, and has
//! them in `.cargo/config.toml`. The environment variables for flags would replace these. So the
//! flags go to cargo as configuration for the target, which cargo adds to that of the project. Only
//! if the environment of this tool sets one of the variables, its flags are used, as cargo does,
//! and the tool's come after them.
//!
//! Either way cargo leaves out `build.rustflags` of the project, and build scripts are not
//! affected, because the build names a target.

use std::env;
use std::process::Command;

/// The environment variable with flags that are separated by [`SEPARATOR`].
const ENCODED: &str = "CARGO_ENCODED_RUSTFLAGS";

/// The environment variable with flags that are separated by spaces.
const PLAIN: &str = "RUSTFLAGS";

const SEPARATOR: char = '\x1f';

/// Gives the `flags` for the crates of `target` to `cargo`.
pub fn add(cargo: &mut Command, target: &str, flags: &[String]) {
    let inherited = inherited(env::var(ENCODED).ok(), env::var(PLAIN).ok());
    if let Some(mut all) = inherited {
        all.extend_from_slice(flags);
        cargo.env(ENCODED, all.join(&SEPARATOR.to_string()));
    } else {
        cargo.args(["--config", &config(target, flags)]);
    }
}

/// The flags of the environment, if it sets any.
fn inherited(encoded: Option<String>, plain: Option<String>) -> Option<Vec<String>> {
    let (text, separator) = match (encoded, plain) {
        (Some(encoded), _) => (encoded, SEPARATOR),
        (None, Some(plain)) => (plain, ' '),
        (None, None) => return None,
    };
    Some(text.split(separator).filter(|flag| !flag.is_empty()).map(str::to_owned).collect())
}

/// The flags as cargo configuration. A target may have a dot in its name, so that is quoted.
fn config(target: &str, flags: &[String]) -> String {
    format!("target.{}.rustflags={}", serde_json::json!(target), serde_json::json!(flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoded_variable_comes_first_as_in_cargo() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(inherited(None, None), None);
        assert_eq!(inherited(None, some("")), Some(vec![]));
        assert_eq!(inherited(None, some(" -a  -b")).unwrap(), ["-a", "-b"]);
        assert_eq!(inherited(some("-a b\x1f-c"), some("-d")).unwrap(), ["-a b", "-c"]);
    }

    #[test]
    fn configuration_quotes_the_target() {
        assert_eq!(
            config("thumbv8m.main-none-eabi", &["-Za=no".into(), "-Cb".into()]),
            r#"target."thumbv8m.main-none-eabi".rustflags=["-Za=no","-Cb"]"#
        );
    }
}

//! Programs of the machine that a tool needs.

use std::env;
use std::path::PathBuf;

/// Where in `PATH` the program with the `name` is; none if it is nowhere.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_programs_in_the_path_are_found() {
        assert!(find("cargo").is_some_and(|file| file.ends_with("cargo")));
        assert_eq!(find("a-program-that-nobody-has"), None);
    }
}

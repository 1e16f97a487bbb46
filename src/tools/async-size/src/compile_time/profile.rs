//! The profiles that the compiler writes with `-Z self-profile`, a file for each call.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use analyzeme::ProfilingData;
use anyhow::{Context, Result, anyhow, bail};

/// What the name of a profile ends with.
const EXTENSION: &str = "mm_profdata";

/// The time spent in each activity, and in none that it began. An activity is a query, a MIR pass,
/// and whatever else the compiler has a name for. What waits for another thread takes time, too.
pub type Activities = BTreeMap<String, Duration>;

/// Adds what the profiles in `folder` have to `activities`. Fails if there are none.
pub fn read(folder: &Path, activities: &mut Activities) -> Result<()> {
    let cannot_read = || format!("cannot read `{}`", folder.display());
    let mut is_empty = true;
    for entry in fs::read_dir(folder).with_context(cannot_read)? {
        let path = entry.with_context(cannot_read)?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) {
            let profile = ProfilingData::new(&path)
                .map_err(|error| anyhow!("cannot read `{}`: {error}", path.display()))?;
            add(profile, activities);
            is_empty = false;
        }
    }
    if is_empty {
        bail!("the compiler has written no profile; --verbose shows what it says of that");
    }
    Ok(())
}

fn add(profile: ProfilingData, activities: &mut Activities) {
    for activity in profile.perform_analysis().query_data {
        *activities.entry(activity.label).or_default() += activity.self_time;
    }
}

#[cfg(test)]
mod tests {
    use analyzeme::ProfilingDataBuilder;

    use super::*;

    #[test]
    fn what_an_activity_began_is_not_counted_for_it() {
        let profile = || {
            let mut builder = ProfilingDataBuilder::new();
            builder.interval("Query", "optimized_mir", 0, 0, 100, |builder| {
                builder.interval("GenericActivity", "mir_pass_inline_await", 0, 10, 40, |_| {});
            });
            builder.into_profiling_data()
        };
        let mut activities = Activities::new();
        add(profile(), &mut activities);
        add(profile(), &mut activities);
        let nanoseconds: Vec<_> = activities.values().map(Duration::as_nanos).collect();
        assert!(activities.keys().eq(["mir_pass_inline_await", "optimized_mir"]));
        assert_eq!(nanoseconds, [60, 140]);
    }

    #[test]
    fn no_profile_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("other"), "").unwrap();
        let error = read(folder.path(), &mut Activities::new()).unwrap_err().to_string();
        assert!(error.contains("no profile"), "{error}");
        fs::write(folder.path().join("app-1.mm_profdata"), "no profile").unwrap();
        let error = read(folder.path(), &mut Activities::new()).unwrap_err().to_string();
        assert!(error.contains("app-1.mm_profdata"), "{error}");
    }
}

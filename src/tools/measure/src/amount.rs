//! Numbers as the reports show them.

/// What stands where there is no percentage: something grew from nothing, or is part of nothing.
const NO_PERCENTAGE: &str = "n/a";

/// The change from `off` to `on` in bytes, with its sign.
pub fn change(off: u64, on: u64) -> String {
    with_sign(format!("{}", off.abs_diff(on)), on.cmp(&off))
}

/// The change from `off` to `on` in percent of `off`, with its sign and two decimal places.
pub fn percent(off: u64, on: u64) -> String {
    if off == 0 && on != 0 {
        return NO_PERCENTAGE.into();
    }
    let digits = format!("{:.2}", percentage(off, on).abs());
    // What is rounded to nothing has no sign.
    if digits == "0.00" { digits } else { with_sign(digits, on.cmp(&off)) }
}

/// The change from `off` to `on` in percent of `off`; 0 if there is nothing to compare with.
pub fn percentage(off: u64, on: u64) -> f64 {
    if off == 0 { 0.0 } else { (on as f64 - off as f64) * 100.0 / off as f64 }
}

/// How much of `whole` is `part`, in percent with two decimal places.
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return NO_PERCENTAGE.into();
    }
    format!("{:.2}", part as f64 * 100.0 / whole as f64)
}

/// The `digits` of a change with a sign in front, unless there is no change.
fn with_sign(digits: String, direction: std::cmp::Ordering) -> String {
    match direction {
        std::cmp::Ordering::Less => format!("\u{2212}{digits}"),
        std::cmp::Ordering::Equal => digits,
        std::cmp::Ordering::Greater => format!("+{digits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_have_a_sign() {
        assert_eq!(change(1000, 900), "−100");
        assert_eq!(change(900, 1000), "+100");
        assert_eq!(change(5, 5), "0");
    }

    #[test]
    fn shares_are_of_the_whole() {
        assert_eq!(share(9, 120), "7.50");
        assert_eq!(share(0, 120), "0.00");
        assert_eq!(share(0, 0), "n/a");
    }

    #[test]
    fn percentages_are_of_the_first_number() {
        assert_eq!(percent(800, 700), "−12.50");
        assert_eq!(percent(600, 601), "+0.17");
        assert_eq!(percent(300, 200), "−33.33");
        assert_eq!(percent(7, 7), "0.00");
        assert_eq!(percent(100_000, 99_999), "0.00");
        assert_eq!(percent(0, 0), "0.00");
        assert_eq!(percent(0, 4), "n/a");
        assert_eq!(percentage(200, 150), -25.0);
        assert_eq!(percentage(0, 4), 0.0);
    }
}

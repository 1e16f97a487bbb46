//! What two variants of a program take, compared by pairs.
//!
//! A machine is not equally fast all the time: other programs run, clocks go up and down. Most of
//! that takes longer than one run of a program, so two variants that run one after the other meet
//! nearly the same machine, and the ratio of their times is free of it. The variants run in turn
//! many times, and the result is the median of the ratios, which a few runs that something came
//! between do not change.
//!
//! How far the median can be trusted is told by its 95 % confidence interval from the order of the
//! ratios alone: with 15 pairs, from the 4th smallest to the 4th largest. It assumes nothing of how
//! times are distributed, and it answers the question at hand: where 1 is outside of the interval,
//! the variants are not equally fast. Quartiles would tell only how the runs differ. See [W. J.
//! Conover, *Practical Nonparametric Statistics*, 3rd edition, section 3.2][book].
//!
//! It does not answer why they are not. How code happens to be laid out counts as well, most of all
//! in small loops such as those of `hal-tree`: as many instructions in another layout were seen to
//! take a fifth longer.
//!
//! [book]: https://search.worldcat.org/isbn/9780471160687

/// The fewest pairs that have a 95 % interval: all but one in 32 times, the median of a
/// distribution is between the smallest and the largest of six.
pub const FEWEST_PAIRS: u32 = 6;

/// How long one variant takes by the other, without a unit.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Ratio {
    /// The median over all pairs; below 1 if the second variant is faster.
    pub median: f64,
    /// The lower end of the median's 95 % confidence interval.
    pub low: f64,
    /// The upper end of it.
    pub high: f64,
}

impl Ratio {
    /// The ratio `on / off` of times that were taken in turn, so that those at the same place are a
    /// pair. There is none if there are fewer than [`FEWEST_PAIRS`].
    pub fn of_pairs(off: &[f64], on: &[f64]) -> Option<Self> {
        let mut ratios: Vec<f64> = off.iter().zip(on).map(|(off, on)| on / off).collect();
        if ratios.len() < FEWEST_PAIRS as usize {
            return None;
        }
        ratios.sort_unstable_by(f64::total_cmp);
        let last = ratios.len() - 1;
        let cut = outside(ratios.len());
        Some(Ratio {
            median: f64::midpoint(ratios[last / 2], ratios[last.div_ceil(2)]),
            low: ratios[cut],
            high: ratios[last - cut],
        })
    }
}

/// How many of `count` sorted values to leave out at each end, so that the rest has the median of
/// the distribution between them in at least 95 of 100 cases.
///
/// Each value is below the median with probability 1/2. So the median is outside of what is left if
/// at most as many as are left out are below it, or above it; that is the sum of the first terms of
/// a binomial distribution, on each side.
fn outside(count: usize) -> usize {
    let mut term = 0.5_f64.powf(count as f64);
    let mut sum = term;
    let mut cut = 0;
    loop {
        term *= (count - cut) as f64 / (cut + 1) as f64;
        sum += term;
        if 2.0 * sum > 0.05 {
            return cut;
        }
        cut += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_is_that_of_the_tables() {
        // The ranks, counted from 1, in tables of confidence intervals for the median.
        for (count, rank) in [(6, 1), (8, 1), (9, 2), (11, 2), (12, 3), (15, 4), (20, 6), (100, 40)]
        {
            assert_eq!(outside(count) + 1, rank, "{count}");
        }
        assert!(outside(1000) < 500);
    }

    #[test]
    fn the_ratio_is_that_of_pairs_and_not_of_sums() {
        // A machine that gets slower and slower: each pair has the ratio 1.1 nevertheless.
        let off: Vec<f64> = (0..15).map(|power| f64::from(1 << power)).collect();
        let on: Vec<f64> = off.iter().map(|seconds| seconds * 1.1).collect();
        let ratio = Ratio::of_pairs(&off, &on).unwrap();
        assert!([ratio.low, ratio.median, ratio.high].iter().all(|r| (r - 1.1).abs() < 1e-9));
    }

    #[test]
    fn a_run_that_was_disturbed_does_nothing() {
        let mut on = vec![0.9; 15];
        on[3] = 50.0;
        let ratio = Ratio::of_pairs(&[1.0; 15], &on).unwrap();
        assert_eq!(ratio, Ratio { median: 0.9, low: 0.9, high: 0.9 });
    }

    #[test]
    fn the_median_is_in_the_middle_and_the_interval_around_it() {
        let on: Vec<f64> = (1..=15).rev().map(f64::from).collect();
        let ratio = Ratio::of_pairs(&[1.0; 15], &on).unwrap();
        assert_eq!(ratio, Ratio { median: 8.0, low: 4.0, high: 12.0 });
        let ratio = Ratio::of_pairs(&[2.0; 6], &on[..6]).unwrap();
        assert_eq!(ratio, Ratio { median: 6.25, low: 5.0, high: 7.5 });
    }

    #[test]
    fn too_few_pairs_have_no_interval() {
        assert_eq!(Ratio::of_pairs(&[1.0; 5], &[1.0; 5]), None);
        assert_eq!(Ratio::of_pairs(&[], &[]), None);
        assert!(Ratio::of_pairs(&[1.0; FEWEST_PAIRS as usize], &[1.0; 6]).is_some());
    }
}

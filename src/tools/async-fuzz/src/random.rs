//! Random numbers that are the same for the same seed, on every machine and for good.

/// A generator of random numbers: splitmix64.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator for `seed`. Seeds that are close give numbers that are not.
    pub fn new(seed: u64) -> Self {
        let mut random = Random(seed ^ 0x6a09_e667_f3bc_c908);
        random.next();
        Random(random.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    /// A number from `first` to `last`.
    pub fn within(&mut self, first: u32, last: u32) -> u32 {
        first + self.below((last - first + 1) as usize) as u32
    }

    /// True so many times in a hundred.
    pub fn percent(&mut self, percent: u32) -> bool {
        self.below(100) < percent as usize
    }

    /// One of the choices, each as often as its weight says; at least one weight is not 0.
    pub fn weighted<T: Copy>(&mut self, choices: &[(u32, T)]) -> T {
        let sum: u32 = choices.iter().map(|(weight, _)| weight).sum();
        let mut rest = self.below(sum as usize) as u32;
        for &(weight, choice) in choices {
            if rest < weight {
                return choice;
            }
            rest -= weight;
        }
        unreachable!("the rest is less than the sum of the weights")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let mut random = Random::new(1);
        let numbers: Vec<_> = (0..4).map(|_| random.within(0, 999)).collect();
        assert_eq!(numbers, [462, 928, 596, 398]);
    }

    #[test]
    fn weights_are_kept() {
        let mut random = Random::new(7);
        let ones = (0..1000).filter(|_| random.weighted(&[(3, 0), (1, 1), (0, 2)]) == 1).count();
        assert!((150..350).contains(&ones), "{ones}");
    }
}

//! Medians, quantiles, and numbers drawn evenly.

/// The median; of an even number of values the mean of the two in the middle. Zero of none.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[odd / 2],
        even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
    }
}

/// The value in milliseconds that so many hundredths of `micros` do not exceed (nearest rank).
pub(super) fn quantile_ms(micros: &mut [u32], hundredths: usize) -> f64 {
    let rank = (micros.len() * hundredths).div_ceil(100).max(1);
    if micros.is_empty() {
        return 0.0;
    }
    let (_, value, _) = micros.select_nth_unstable(rank - 1);
    f64::from(*value) / 1_000.0
}

/// A number for `seed` that looks drawn by lot: SplitMix64 (Steele, Lea, Flood, 2014).
pub(super) fn draw(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_quantiles() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        let mut micros: Vec<u32> = (1..=1_000).rev().collect();
        assert_eq!(quantile_ms(&mut micros, 50), 0.5);
        assert_eq!(quantile_ms(&mut micros, 99), 0.99);
        assert_eq!(quantile_ms(&mut [], 99), 0.0);
    }

    #[test]
    fn draws_spread() {
        let mut hits = [0; 10];
        for seed in 0..1_000 {
            hits[(draw(seed) % 10) as usize] += 1;
        }
        assert!(hits.iter().all(|count| (50..200).contains(count)));
    }
}

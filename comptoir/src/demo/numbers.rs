//! Small reckonings with whole numbers: prices, medians, quantiles.

use anyhow::{Context, bail};

/// A price in cents from its decimal text, such as `98.5`; no float comes between.
pub(super) fn cents(text: &str) -> anyhow::Result<i64> {
    let (euros, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if euros.is_empty() || decimals.len() > 2 || !digits(euros) || !digits(decimals) {
        bail!("{text:?} is not a price");
    }
    format!("{euros}{decimals:0<2}")
        .parse()
        .with_context(|| format!("{text:?} is not a price"))
}

/// The median; of an even number of values the lower of the two in the middle. Zero of none.
pub(super) fn median(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or(0)
}

/// The largest value once the top hundredth of them (rounded down) is left out. Zero of none.
pub(super) fn largest_usual(mut values: Vec<u32>) -> u32 {
    values.sort_unstable();
    values.truncate(values.len() - values.len() / 100);
    values.last().copied().unwrap_or(0)
}

/// The value that `percent` of the values do not exceed (nearest rank). None of none.
pub(super) fn percentile(mut values: Vec<u64>, percent: usize) -> Option<u64> {
    values.sort_unstable();
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied()
}

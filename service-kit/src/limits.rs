//! How often one may ask: each address, each account, and harder where passwords are tried.
//!
//! They are of this process: with several behind a balancer each counts what it gets.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use uuid::Uuid;

use crate::problem::Problem;

/// Where passwords and tokens are tried.
const SIGN_IN: &str = "/api/auth/";

/// How often one may ask; 0 is as often as one likes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// Requests a second, of an address and of an account.
    pub requests: u32,
    /// Requests a minute of an address that change something under `/api/auth`.
    pub sign_ins: u32,
}

/// Counts what addresses and accounts ask. It clones cheaply.
#[derive(Debug, Clone)]
pub struct Limits(Arc<Counters>);

#[derive(Debug)]
struct Counters {
    addresses: Option<DefaultKeyedRateLimiter<IpAddr>>,
    accounts: Option<DefaultKeyedRateLimiter<Uuid>>,
    sign_ins: Option<DefaultKeyedRateLimiter<IpAddr>>,
}

impl Limits {
    /// Nobody has asked yet.
    pub fn new(rates: Rates) -> Self {
        let requests = NonZeroU32::new(rates.requests).map(|rate| {
            // Two seconds' worth may come at once.
            Quota::per_second(rate).allow_burst(rate.saturating_add(rate.get()))
        });
        let sign_ins = NonZeroU32::new(rates.sign_ins).map(Quota::per_minute);
        Self(Arc::new(Counters {
            addresses: requests.map(RateLimiter::keyed),
            accounts: requests.map(RateLimiter::keyed),
            sign_ins: sign_ins.map(RateLimiter::keyed),
        }))
    }

    /// Counts a request of `address`.
    ///
    /// # Errors
    /// `429`.
    pub(crate) fn of_address(
        &self,
        address: IpAddr,
        path: &str,
        changes: bool,
    ) -> Result<(), Problem> {
        let of = network(address);
        if changes && path.starts_with(SIGN_IN) {
            count(self.0.sign_ins.as_ref(), &of)?;
        }
        count(self.0.addresses.as_ref(), &of)
    }

    /// Counts a request of `account`.
    ///
    /// # Errors
    /// `429`.
    pub(crate) fn of_account(&self, account: Uuid) -> Result<(), Problem> {
        count(self.0.accounts.as_ref(), &account)
    }

    /// Forgets who has not asked for long.
    pub(crate) fn forget(&self) {
        forget(self.0.addresses.as_ref());
        forget(self.0.accounts.as_ref());
        forget(self.0.sign_ins.as_ref());
    }
}

/// Who has one address of IPv6 has a network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 => v4,
    }
}

fn count<K: Hash + Eq + Clone>(
    limiter: Option<&DefaultKeyedRateLimiter<K>>,
    key: &K,
) -> Result<(), Problem> {
    let Some(limiter) = limiter else {
        return Ok(());
    };
    limiter.check_key(key).map_err(|until| {
        let wait = until.wait_time_from(DefaultClock::default().now());
        let seconds = wait.as_secs_f64().ceil().max(1.0) as u32;
        Problem::too_many("you ask too often", seconds)
    })
}

fn forget<K: Hash + Eq + Clone>(limiter: Option<&DefaultKeyedRateLimiter<K>>) {
    if let Some(limiter) = limiter {
        limiter.retain_recent();
        limiter.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use axum::response::IntoResponse;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_address_has_its_own_count_and_signing_in_one_more() {
        let limits = Limits::new(Rates {
            requests: 10,
            sign_ins: 3,
        });
        let (one, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let sign_in = |of| limits.of_address(of, "/api/auth/login", true).is_ok();
        assert_eq!(
            [0; 5].map(|_| sign_in(one)),
            [true, true, true, false, false]
        );
        assert!(sign_in(other));
        let list = |of| limits.of_address(of, "/api/hotels", false).is_ok();
        let heard = (0..50).filter(|_| list(one)).count();
        // Three were sign-ins; a few more may have become free meanwhile.
        assert!((17..30).contains(&heard), "{heard}");
        assert!(list(other));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let limits = Limits::new(Rates {
            requests: 0,
            sign_ins: 1,
        });
        let sign_in = |of| limits.of_address(address(of), "/api/auth/login", true);
        sign_in("2001:db8::1").unwrap();
        let refused = sign_in("2001:db8::ffff:1").unwrap_err();
        let refused = refused.into_response();
        assert_eq!(refused.status(), 429);
        assert_eq!(refused.headers()["retry-after"], "60");
        sign_in("2001:db8:0:1::1").unwrap();
        sign_in("192.0.2.1").unwrap();
        // The same in the form of IPv6.
        assert!(sign_in("::ffff:192.0.2.1").is_err());
    }

    #[test]
    fn accounts_are_counted_wherever_they_ask_from() {
        let limits = Limits::new(Rates {
            requests: 1,
            sign_ins: 0,
        });
        let account = Uuid::from_u128(1);
        assert!(limits.of_account(account).is_ok() && limits.of_account(account).is_ok());
        assert!(limits.of_account(account).is_err());
        limits.forget();
        assert!(limits.of_account(account).is_err());
        assert!(limits.of_account(Uuid::from_u128(2)).is_ok());
    }

    #[test]
    fn without_rates_nothing_is_counted() {
        let limits = Limits::new(Rates::default());
        let all = (0..10_000).all(|_| limits.of_account(Uuid::nil()).is_ok());
        assert!(all);
    }
}

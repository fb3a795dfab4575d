//! Who may come in by HTTP: how often, from pages of which origins, and behind which proxies.

use std::net::IpAddr;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use ipnet::IpNet;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::consistency::CONSISTENCY_TOKEN;
use crate::cookies::CSRF_HEADER;
use crate::limits::{Limits, Rates};
use crate::server::REQUEST_ID;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// How long a browser remembers what other origins may do.
const REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// Who may come in. The default lets anybody ask as often as they like, and no page of another
/// origin read an answer.
#[derive(Debug, Clone, Default)]
pub struct Door {
    /// How often.
    pub rates: Rates,
    /// The origins whose pages may ask and read, such as `https://shop.example`.
    pub origins: Vec<HeaderValue>,
    /// The networks of our own proxies: what they say of a client's address is believed.
    pub proxies: Vec<IpNet>,
}

impl Door {
    pub(crate) fn limits(&self) -> Limits {
        Limits::new(self.rates)
    }

    /// What tells browsers what pages of other origins may do; none when they may do nothing.
    pub(crate) fn cors(&self) -> Option<CorsLayer> {
        if self.origins.is_empty() {
            return None;
        }
        let read = [
            header::ETAG,
            header::LOCATION,
            header::RETRY_AFTER,
            CONSISTENCY_TOKEN,
            HeaderName::from_static("idempotency-replayed"),
            REQUEST_ID,
        ];
        let sent = [
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
            CONSISTENCY_TOKEN,
            CSRF_HEADER,
            HeaderName::from_static("idempotency-key"),
            HeaderName::from_static("prefer"),
            HeaderName::from_static("traceparent"),
            REQUEST_ID,
        ];
        let methods = [
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ];
        let cors = CorsLayer::new()
            .allow_origin(AllowOrigin::list(self.origins.iter().cloned()))
            .allow_methods(methods)
            .allow_headers(sent)
            .expose_headers(read)
            .allow_credentials(true)
            .max_age(REMEMBERED);
        Some(cors)
    }

    /// The address of a client whose connection comes from `peer`.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let ours = |address: &IpAddr| self.proxies.iter().any(|network| network.contains(address));
        if !ours(&peer) {
            return peer;
        }
        let said = headers.get_all(FORWARDED_FOR).iter();
        let said = said.filter_map(|value| value.to_str().ok());
        let said: Vec<&str> = said.flat_map(|value| value.split(',')).collect();
        // Each proxy adds whom it heard at the end; what stands before the last that is not ours
        // may be made up.
        let mut client = peer;
        for address in said.into_iter().rev() {
            match address.trim().parse::<IpAddr>() {
                Ok(address) => client = address,
                Err(_) => break,
            }
            if !ours(&client) {
                break;
            }
        }
        client
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_clients_address_is_what_our_own_proxies_say() {
        let door = Door {
            proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..Door::default()
        };
        for (peer, said, client) in [
            ("192.0.2.1", "198.51.100.7", "192.0.2.1"),
            ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
            ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
            ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
            ("10.0.0.1", "nonsense", "10.0.0.1"),
            ("10.0.0.1", "", "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(FORWARDED_FOR, said.parse().unwrap());
            let (peer, client): (IpAddr, IpAddr) = (peer.parse().unwrap(), client.parse().unwrap());
            assert_eq!(door.client(peer, &headers), client, "{said}");
        }
    }
}

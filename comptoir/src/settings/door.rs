//! Who may come in by HTTP.

use std::net::IpAddr;

use anyhow::Context;
use clap::Args;
use ipnet::IpNet;
use service_kit::door;
use service_kit::limits::Rates;

/// Who may come in by HTTP.
#[derive(Args, Clone)]
pub struct Door {
    /// Requests a second of one address, and of one account; 0 for as many as they like.
    #[arg(long, env = "COMPTOIR_REQUESTS_PER_SECOND", default_value_t = 1_000)]
    pub requests_per_second: u32,
    /// Requests a minute of one address that sign in, register or set passwords; 0 for as many as
    /// it likes.
    #[arg(long, env = "COMPTOIR_SIGN_INS_PER_MINUTE", default_value_t = 60)]
    pub sign_ins_per_minute: u32,
    /// The origins whose pages may ask, such as https://shop.example, separated by commas.
    #[arg(long, env = "COMPTOIR_ALLOWED_ORIGINS", value_delimiter = ',')]
    pub allowed_origins: Vec<String>,
    /// The networks of proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8, separated by
    /// commas.
    #[arg(long, env = "COMPTOIR_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<String>,
}

impl Door {
    /// What a server takes.
    ///
    /// # Errors
    /// When an origin or a network is none.
    pub fn open(&self) -> anyhow::Result<door::Door> {
        let origins = self.allowed_origins.iter().map(|text| {
            let origin = text.trim();
            let scheme = origin
                .strip_prefix("https://")
                .or(origin.strip_prefix("http://"));
            let host = scheme.filter(|host| !host.is_empty() && !host.contains(['/', '*']));
            host.with_context(|| format!("{origin} is no origin such as https://shop.example"))?;
            origin.parse().context("an origin is of visible ASCII")
        });
        let proxies = self.trusted_proxies.iter().map(|text| {
            let network = text.trim();
            let alone = || network.parse::<IpAddr>().map(IpNet::from);
            network
                .parse::<IpNet>()
                .or_else(|_| alone())
                .with_context(|| format!("{network} is no network such as 10.0.0.0/8"))
        });
        Ok(door::Door {
            rates: Rates {
                requests: self.requests_per_second,
                sign_ins: self.sign_ins_per_minute,
            },
            origins: origins
                .collect::<anyhow::Result<_>>()
                .context("COMPTOIR_ALLOWED_ORIGINS")?,
            proxies: proxies
                .collect::<anyhow::Result<_>>()
                .context("COMPTOIR_TRUSTED_PROXIES")?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn door(origins: &[&str], proxies: &[&str]) -> anyhow::Result<door::Door> {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Door {
            requests_per_second: 1,
            sign_ins_per_minute: 2,
            allowed_origins: texts(origins),
            trusted_proxies: texts(proxies),
        }
        .open()
    }

    #[test]
    fn origins_and_networks_are_read_strictly() {
        let open = door(
            &["https://shop.example", " http://localhost:5173"],
            &["10.0.0.0/8", "::1"],
        );
        let open = open.unwrap();
        assert_eq!(
            open.origins,
            ["https://shop.example", "http://localhost:5173"]
        );
        assert_eq!(open.proxies.len(), 2);
        for wrong in [
            "*",
            "shop.example",
            "https://",
            "https://shop.example/",
            "https://*.example",
        ] {
            assert!(door(&[wrong], &[]).is_err(), "{wrong}");
        }
        for wrong in ["10.0.0.0/40", "proxy", ""] {
            assert!(door(&[], &[wrong]).is_err(), "{wrong}");
        }
    }
}

//! Which addresses may be reached. A server that sends what its users ask for must not become a way into the network that
//! it stands in (SSRF): by default only `https` and only public addresses. Names are resolved once, and the addresses that
//! were judged are those that are connected to, so that a name cannot change its meaning in between.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use ropewalk_core::{Error, Result};
use ropewalk_mlflow::python::repr;
use ropewalk_mlflow::uri::Uri;

use crate::options::Options;

/// Longest time to resolve a name.
const RESOLVING: Duration = Duration::from_secs(5);

/// Blocks of IPv4 that are not public: IANA's registry of special-purpose addresses, multicast, and those in reserve.
const SPECIAL_V4: &[([u8; 4], u8)] = &[
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 3),
];

/// The same of IPv6: what has no public use, and the blocks of documentation and of links.
const SPECIAL_V6: &[([u16; 8], u8)] = &[
    ([0, 0, 0, 0, 0, 0, 0, 0], 96),
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 64),
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
    ([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
];

/// Whether an address is public. An address of IPv6 that carries one of IPv4 is judged by the one it carries.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match carried(address) {
        IpAddr::V4(address) => {
            let bits = address.to_bits();
            !SPECIAL_V4
                .iter()
                .any(|(block, length)| (bits ^ Ipv4Addr::from(*block).to_bits()) >> (32 - length) == 0)
        }
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            !SPECIAL_V6
                .iter()
                .any(|(block, length)| (bits ^ Ipv6Addr::from(*block).to_bits()) >> (128 - length) == 0)
        }
    }
}

/// The address of IPv4 within one of IPv6: mapped, 6to4 (2002::/16) or NAT64 (64:ff9b::/96).
fn carried(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return v4.into();
    }
    let segments = v6.segments();
    let of = |high: u16, low: u16| IpAddr::V4(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)));
    match segments {
        [0x2002, high, low, ..] => of(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => of(high, low),
        _ => address,
    }
}

/// The host of a URL whose form is one that may be sent to.
fn host_of(url: &str, options: &Options) -> Result<String> {
    if url.trim().is_empty() {
        return Err(Error::invalid(format!("Webhook URL cannot be empty or just whitespace: {}", repr(url))));
    }
    let uri = Uri::parse(url).map_err(|why| {
        Error::invalid(format!("Invalid webhook URL {}: ValueError({})", repr(url), repr(&why)))
    })?;
    if !options.schemes.contains(&uri.scheme) {
        return Err(Error::invalid(format!(
            "Invalid webhook URL scheme: {}. Allowed schemes are: {}.",
            repr(&uri.scheme),
            options.schemes.join(", ")
        )));
    }
    uri.host().ok_or_else(|| Error::invalid(format!("Webhook URL must include a hostname: {}", repr(url))))
}

fn not_public(host: &str, address: IpAddr) -> Error {
    Error::invalid(format!(
        "Webhook URL must not resolve to a non-public IP address. {} resolves to {address}.",
        repr(host)
    ))
}

/// Refuses a URL that may not be sent to, by its form or by what its name resolves to now.
///
/// # Errors
/// `invalid`, in the stock server's words.
pub(crate) async fn check(url: &str, options: &Options) -> Result<()> {
    let host = host_of(url, options)?;
    if options.allow_private {
        return Ok(());
    }
    let addresses = resolve(&host).await.map_err(|why| {
        Error::invalid(format!("Cannot resolve Webhook URL hostname {}: {why}", repr(&host)))
    })?;
    match addresses.into_iter().find(|address| !is_public(*address)) {
        Some(address) => Err(not_public(&host, address)),
        None => Ok(()),
    }
}

/// The URL as it will be connected to. Names are left to [`Judge`], which is asked when the connection is made; the HTTP
/// client does not ask about hosts that are addresses, so these are judged here, as the client reads them.
///
/// # Errors
/// `invalid`, in the stock server's words.
pub(crate) fn read(url: &str, options: &Options) -> Result<reqwest::Url> {
    let host = host_of(url, options)?;
    let invalid = |why: &str| Error::invalid(format!("Invalid webhook URL {}: {why}", repr(url)));
    let url = reqwest::Url::parse(url).map_err(|why| invalid(&why.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("only http and https can be sent to"));
    }
    let literal = url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().ok());
    match literal.filter(|address| !options.allow_private && !is_public(*address)) {
        Some(address) => Err(not_public(&host, address)),
        None => Ok(url),
    }
}

/// The addresses of a name, or why there are none.
async fn resolve(host: &str) -> std::result::Result<Vec<IpAddr>, String> {
    match tokio::time::timeout(RESOLVING, tokio::net::lookup_host((host, 0))).await {
        Err(_) => Err(format!("it took more than {} seconds", RESOLVING.as_secs())),
        Ok(Ok(found)) => Ok(found.map(|address| address.ip()).collect()),
        Ok(Err(error)) => {
            let text = error.to_string();
            let why = text.rsplit(": ").next().unwrap_or_default();
            // The numbers that Python shows beside the system's words (netdb.h).
            Err(match why {
                "Name or service not known" => format!("[Errno -2] {why}"),
                "Temporary failure in name resolution" => format!("[Errno -3] {why}"),
                "No address associated with hostname" => format!("[Errno -5] {why}"),
                other => other.to_owned(),
            })
        }
    }
}

/// That a name led to an address that is not public.
#[derive(Debug)]
pub(crate) struct Blocked(IpAddr);

impl std::fmt::Display for Blocked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "Webhook connection blocked: {} is not a public IP address. This may indicate a DNS rebinding attempt.",
            self.0
        )
    }
}

impl std::error::Error for Blocked {}

/// Resolves names for the HTTP client: it connects to the addresses that were judged here, and to no others.
pub(crate) struct Judge {
    pub(crate) allow_private: bool,
}

impl Resolve for Judge {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let addresses = resolve(name.as_str()).await?;
            if let Some(address) = addresses.iter().find(|address| !allow_private && !is_public(**address)) {
                return Err(Blocked(*address).into());
            }
            Ok(Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for public in [
            "1.1.1.1",
            "100.63.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2002:101:101::",
            "64:ff9b::101:101",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.31.0.1",
            "192.0.0.8",
            "192.168.0.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "2002:7f00:1::",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[tokio::test]
    async fn a_url_is_refused_in_known_words() {
        let strict = Options::default();
        for (url, words) in [
            (" ", "Webhook URL cannot be empty or just whitespace: ' '"),
            ("http://example.com/", "Invalid webhook URL scheme: 'http'. Allowed schemes are: https."),
            ("example.com", "Invalid webhook URL scheme: ''. Allowed schemes are: https."),
            ("https:///path", "Webhook URL must include a hostname: 'https:///path'"),
            ("https://[::1", "Invalid webhook URL 'https://[::1': ValueError('Invalid IPv6 URL')"),
            (
                "https://127.0.0.1/",
                "Webhook URL must not resolve to a non-public IP address. '127.0.0.1' resolves to 127.0.0.1.",
            ),
            (
                "https://2130706433/",
                "Webhook URL must not resolve to a non-public IP address. '2130706433' resolves to 127.0.0.1.",
            ),
            (
                "https://[::ffff:10.0.0.1]/",
                "Webhook URL must not resolve to a non-public IP address. '::ffff:10.0.0.1' resolves to",
            ),
            (
                "https://localhost/",
                "Webhook URL must not resolve to a non-public IP address. 'localhost' resolves to",
            ),
        ] {
            let refused = check(url, &strict).await.unwrap_err();
            assert!(refused.what().starts_with(words), "{url}: {refused}");
        }
        for wrong in ["https://0x7f.1/", "https://127.1/"] {
            assert!(check(wrong, &strict).await.is_err(), "{wrong}");
        }
        for wrong in [
            "https://a b/",
            "https://1.2.3.4:99999/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://2130706433",
        ] {
            assert!(read(wrong, &strict).is_err(), "{wrong}");
        }
        check("https://93.184.216.34/hook?x=1", &strict).await.unwrap();
        let loose = Options { schemes: vec!["http".into(), "ftp".into()], allow_private: true, ..strict };
        check("http://127.0.0.1:9/", &loose).await.unwrap();
        assert!(read("ftp://127.0.0.1/", &loose).is_err());
        read("http://127.0.0.1:9/", &loose).unwrap();
    }
}

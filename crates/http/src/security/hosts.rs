//! By which names a server may be called.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The hosts that a request may name.
#[derive(Debug, Clone)]
pub(super) struct Hosts(Vec<String>);

/// Names of this machine.
const LOCAL: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"];
/// Private addresses: a page cannot be rebound to an address, only to a name.
const PRIVATE_IPV6: [&str; 2] = ["fc00:*", "fd00:*"];

impl Hosts {
    /// These, with `*` and `?` as wildcards.
    pub(super) fn allowed(hosts: Vec<String>) -> Self {
        Self(hosts)
    }

    /// This machine under its own names, and any machine by a private address.
    pub(super) fn local(address: SocketAddr) -> Self {
        let own = match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        let mut hosts: Vec<String> = LOCAL.iter().map(|host| (*host).to_owned()).collect();
        if !hosts.contains(&own) {
            hosts.push(own);
        }
        let with_port: Vec<String> = hosts.iter().map(|host| format!("{host}:*")).collect();
        hosts.extend(with_port);
        hosts.extend(["192.168.*".to_owned(), "10.*".to_owned()]);
        hosts.extend((16..32).map(|second| format!("172.{second}.*")));
        hosts.extend(PRIVATE_IPV6.map(str::to_owned));
        Self(hosts)
    }

    /// Whether every host is allowed.
    pub(super) fn are_all(&self) -> bool {
        self.0.iter().any(|host| host == "*")
    }

    /// Whether a `Host` header may be.
    pub(super) fn allow(&self, host: &str) -> bool {
        !host.is_empty() && self.0.iter().any(|pattern| matches(pattern, host))
    }
}

fn matches(pattern: &str, host: &str) -> bool {
    if !pattern.contains('*') {
        return pattern == host;
    }
    if !glob(pattern.as_bytes(), host.as_bytes()) {
        return false;
    }
    // What is written as an address must not let in names that begin with the same digits.
    if is_ipv4_pattern(pattern) {
        return host.split(':').next().unwrap_or_default().parse::<Ipv4Addr>().is_ok();
    }
    !PRIVATE_IPV6.contains(&pattern) || host.parse::<Ipv6Addr>().is_ok()
}

/// Whether a pattern is the beginning of an IPv4 address: numbers, then `*`, then numbers or `*`, perhaps a port.
fn is_ipv4_pattern(pattern: &str) -> bool {
    let (address, port) = pattern.split_once(':').unwrap_or((pattern, "0"));
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = address.split('.').skip_while(|part| is_number(part));
    let begins = address.split('.').next().is_some_and(is_number);
    begins
        && parts.next() == Some("*")
        && parts.all(|part| part == "*" || is_number(part))
        && !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit() || byte == b'*')
}

/// Whether a text fits a pattern with `*` for any text and `?` for one character.
pub(super) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(b'?') => {
                at += 1;
                read += 1;
            }
            Some(byte) if *byte == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                // Let the last star take one character more.
                let Some((place, from)) = star else { return false };
                star = Some((place, from + 1));
                at = place + 1;
                read = from + 1;
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn this_machine_and_private_addresses_are_allowed() {
        let hosts = Hosts::local("127.0.0.2:7878".parse().unwrap());
        for host in [
            "localhost",
            "localhost:1",
            "127.0.0.1:7878",
            "[::1]:7878",
            "[::1]",
            "0.0.0.0:80",
            "127.0.0.2:7878",
            "10.0.0.1",
            "192.168.1.1:80",
            "172.16.0.1",
            "172.31.0.1:5000",
            "fc00::1",
        ] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in [
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:80",
            "10.evil.example",
            "192.168.evil.example",
            "172.32.0.1",
            "172.15.0.1",
            "8.8.8.8",
            "",
            "LOCALHOST",
            "127.0.0.3",
            "fc00::1%evil.example",
            "user@localhost",
        ] {
            assert!(!hosts.allow(host), "{host}");
        }
    }

    #[test]
    fn patterns_are_wildcards() {
        let hosts =
            Hosts::allowed(vec!["*.ml.example".to_owned(), "ml:50?0".to_owned(), "10.*:80".to_owned()]);
        assert!(
            hosts.allow("a.b.ml.example") && !hosts.allow("ml.example") && !hosts.allow("x.ml.example:80")
        );
        // Without a star a question mark is itself.
        assert!(hosts.allow("ml:50?0") && !hosts.allow("ml:5000"));
        assert!(hosts.allow("10.1.2.3:80") && !hosts.allow("10.x.example:80"));
        assert!(Hosts::allowed(vec!["*".to_owned()]).are_all());
    }

    proptest! {
        #[test]
        fn a_star_takes_anything(before in "[a-z.*?]{0,6}", text in ".{0,20}", host in ".*") {
            prop_assert!(glob(b"*", text.as_bytes()));
            // Whatever is asked, an answer comes.
            let _ = matches(&before, &host);
        }
    }
}

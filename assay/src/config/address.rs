//! Addresses of listeners: `[NAME://]HOST:PORT`.

use std::{fmt, net::IpAddr};

/// Name of a broker listener that was given none.
const DEFAULT_LISTENER_NAME: &str = "PLAINTEXT";

/// `HOST:PORT`; an IPv6 host is written in brackets and kept without them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// `[NAME://]HOST:PORT`; without a name it is `PLAINTEXT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedAddress {
    pub(crate) name: String,
    pub(crate) address: Address,
}

/// Why a text is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    #[error("`{0}` is not HOST:PORT")]
    NoPort(String),
    #[error("`{0}` has no host; write 0.0.0.0 to listen on every address")]
    NoHost(String),
    #[error("`{text}`: the port must be a number from 0 to 65535, not `{port}`")]
    Port { text: String, port: String },
    #[error("`{0}`: an IPv6 address is written in brackets, as in [::1]:8081")]
    BareIpv6(String),
    #[error("`{text}`: `{name}` is no listener name; use letters, digits and _")]
    Name { text: String, name: String },
}

impl Address {
    /// Parses `HOST:PORT`.
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let (host, port) = text.rsplit_once(':').ok_or_else(|| AddressError::NoPort(text.to_owned()))?;
        let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inner) => inner,
            None if host.contains(':') => return Err(AddressError::BareIpv6(text.to_owned())),
            None => host,
        };
        if host.is_empty() {
            return Err(AddressError::NoHost(text.to_owned()));
        }
        if host.contains(['/', ' ', '[', ']', '@']) {
            return Err(AddressError::NoPort(text.to_owned()));
        }
        let number = port
            .parse()
            .map_err(|_not_u16| AddressError::Port { text: text.to_owned(), port: port.to_owned() })?;
        Ok(Self { host: host.to_owned(), port: number })
    }

    /// Whether only this machine can reach it. A name other than `localhost` counts as reachable.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback(),
            Err(_name) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// Whether it stands for every address of the machine, so that nobody can be told to connect to it.
    pub(crate) fn is_wildcard(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

impl NamedAddress {
    /// The listener that has the default name.
    pub(crate) fn plaintext(host: &str, port: u16) -> Self {
        Self { name: DEFAULT_LISTENER_NAME.to_owned(), address: Address { host: host.to_owned(), port } }
    }

    /// Parses `[NAME://]HOST:PORT`; names are kept in upper case, as Kafka does.
    pub(crate) fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let (name, rest) = text.split_once("://").unwrap_or((DEFAULT_LISTENER_NAME, text));
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(AddressError::Name { text: text.to_owned(), name: name.to_owned() });
        }
        Ok(Self { name: name.to_ascii_uppercase(), address: Address::parse(rest)? })
    }
}

impl fmt::Display for NamedAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://{}", self.name, self.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_alike() {
        for (text, host, port) in [
            ("127.0.0.1:8081", "127.0.0.1", 8081),
            ("[::1]:0", "::1", 0),
            ("localhost:65535", "localhost", 65535),
            ("kafka.example.com:9092", "kafka.example.com", 9092),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port));
            assert_eq!(address.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_in_words() {
        for (text, expected) in [
            ("8081", "is not HOST:PORT"),
            ("", "is not HOST:PORT"),
            (":8081", "has no host"),
            ("host:", "the port must be a number"),
            ("host:65536", "the port must be a number"),
            ("host:-1", "the port must be a number"),
            ("::1:8081", "in brackets"),
            ("http://host:8081", "in brackets"),
        ] {
            let message = Address::parse(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn a_listener_has_a_name() {
        let plain = NamedAddress::parse("127.0.0.1:9092").unwrap();
        assert_eq!(plain.name, "PLAINTEXT");
        let inside = NamedAddress::parse("inside://[::]:9093").unwrap();
        assert_eq!(inside.to_string(), "INSIDE://[::]:9093");
        assert!(inside.address.is_wildcard());
        assert!(NamedAddress::parse("://h:1").is_err());
        assert!(NamedAddress::parse("a b://h:1").is_err());
    }

    #[test]
    fn loopback_is_known() {
        for (text, loopback) in [
            ("127.0.0.1:1", true),
            ("[::1]:1", true),
            ("localhost:1", true),
            ("0.0.0.0:1", false),
            ("box:1", false),
        ] {
            assert_eq!(Address::parse(text).unwrap().is_loopback(), loopback, "{text}");
        }
    }
}

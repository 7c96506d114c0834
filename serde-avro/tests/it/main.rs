//! The registry client and the serializers, against the real registry and against one that misbehaves on purpose.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail where it stands")]

mod allocations;
mod answers;
mod associations;
mod client;
mod defects;
mod endpoints;
mod evolution;
mod faulty;
mod observed;
mod outage;
mod properties;
mod record;
mod round_trip;
mod selection;
mod special_cases;
mod tls;

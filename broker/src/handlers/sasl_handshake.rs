//! `SaslHandshake` (key 17): chooses a mechanism. After version 0 tokens come bare, after version 1 in `SaslAuthenticate`.

use std::time::{Duration, Instant};

use crate::connection::Reply;
use crate::dispatch::Context;
use crate::protocol::ErrorCode;
use crate::protocol::messages::{SaslHandshakeRequest, SaslHandshakeResponse};
use crate::sasl::{Exchange, Mechanism, State};

/// Shortest time between two authentications of a connection after the first, as in Kafka.
const AGAIN_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) fn handle(context: &Context, request: &SaslHandshakeRequest) -> Reply {
    let illegal = || {
        let error_code = ErrorCode::IllegalSaslState.code();
        Reply::Ready(context.respond(&SaslHandshakeResponse { error_code, ..Default::default() }))
    };
    let connection = &context.connection;
    let Some(settings) = &connection.listener.sasl else { return illegal() };
    let mut state = connection.sasl();
    let (before, again) = match &*state {
        State::Unauthenticated => (None, None),
        State::Authenticated { mechanism, again, .. } => {
            if again.is_some_and(|last| last.elapsed() < AGAIN_INTERVAL) {
                return illegal();
            }
            (Some(*mechanism), Some(Instant::now()))
        }
        State::Open | State::Exchanging { .. } => return illegal(),
    };
    let offered = |mechanism: &Mechanism| settings.mechanisms.contains(mechanism);
    let chosen = Mechanism::from_name(&request.mechanism).filter(offered);
    let mut response = SaslHandshakeResponse {
        mechanisms: settings.mechanisms.iter().map(|one| one.name().to_owned()).collect(),
        ..Default::default()
    };
    match chosen {
        // who authenticates again does it in the same way
        Some(mechanism) if before.is_none_or(|before| before == mechanism) => {
            let exchange = Some(Exchange::Begun(mechanism));
            *state = State::Exchanging { mechanism, bare: context.version == 0, exchange, again };
            Reply::Ready(context.respond(&response))
        }
        _ => {
            tracing::warn!(
                peer = %connection.peer, listener = %connection.listener.name, mechanism = request.mechanism,
                "the client asked for a SASL mechanism that the listener does not offer"
            );
            response.error_code = ErrorCode::UnsupportedSaslMechanism.code();
            Reply::Last(context.respond(&response))
        }
    }
}

//! Who may ask: only pages of this hub, by a name of the loopback.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::Shared;

/// Sent with every answer.
const HEADERS: [(header::HeaderName, &str); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; \
         frame-ancestors 'none'; base-uri 'none'",
    ),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Refuses a foreign `Host` or `Origin`, and adds the headers that keep the page to itself.
pub(super) async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if !is_ours(request.headers(), shared.address) {
        let text = "This hub answers only its own pages on this machine. Open it by its loopback address.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// `Host` must be a name of the loopback with our port, and so must `Origin` where it is sent.
fn is_ours(headers: &HeaderMap, address: SocketAddr) -> bool {
    let port = address.port();
    let ours = [format!("127.0.0.1:{port}"), format!("localhost:{port}"), format!("[::1]:{port}")];
    let is_ours = |name: &str| ours.iter().any(|our| our.eq_ignore_ascii_case(name));
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
    text(header::HOST).is_some_and(is_ours)
        && text(header::ORIGIN).is_none_or(|origin| origin.strip_prefix("http://").is_some_and(is_ours))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_host_or_origin_is_refused() {
        let asked = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_ours(&headers, "127.0.0.1:8080".parse().unwrap())
        };
        assert!(asked("127.0.0.1:8080", None));
        assert!(asked("LOCALHOST:8080", Some("http://localhost:8080")));
        assert!(!asked("127.0.0.1:8081", None));
        assert!(!asked("hub.example:8080", None), "a name that somebody else's server gave for this address");
        assert!(!asked("127.0.0.1:8080", Some("http://evil.example")));
        assert!(!is_ours(&HeaderMap::new(), "127.0.0.1:8080".parse().unwrap()));
    }
}

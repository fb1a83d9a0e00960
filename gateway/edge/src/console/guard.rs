//! Who may ask: only pages of this console, by a name of the loopback.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::Shared;

/// Refuses a foreign `Host` or `Origin`, and adds the headers that keep the page to itself.
pub(super) async fn guard(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if !is_ours(request.headers(), shared.address) {
        let text =
            "This console answers only its own pages on this machine. Open it by its loopback address.\n";
        return (StatusCode::FORBIDDEN, text).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let connect = shared.bench.as_deref().and_then(origin).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' {connect}; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    let mut set = |name, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_SECURITY_POLICY, &policy);
    set(header::CACHE_CONTROL, "no-store");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    response
}

/// `Host` must be a name of the loopback with our port, and so must `Origin` where it is sent.
fn is_ours(headers: &HeaderMap, address: SocketAddr) -> bool {
    let ours = [format!("127.0.0.1:{}", address.port()), format!("localhost:{}", address.port()), {
        format!("[::1]:{}", address.port())
    }];
    let is_ours = |name: &str| ours.iter().any(|our| our.eq_ignore_ascii_case(name));
    let text = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
    text(header::HOST).is_some_and(is_ours)
        && text(header::ORIGIN).is_none_or(|origin| origin.strip_prefix("http://").is_some_and(is_ours))
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("http://")?;
    let host = rest.split('/').next()?;
    url.get(.."http://".len() + host.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_the_loopback_with_our_port_are_ours() {
        let address: SocketAddr = "127.0.0.1:8080".parse().unwrap();
        let asks = |host: &str, origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_ours(&headers, address)
        };
        assert!(asks("127.0.0.1:8080", None));
        assert!(asks("LOCALHOST:8080", Some("http://localhost:8080")));
        assert!(!asks("127.0.0.1:8081", None));
        assert!(!asks("evil.example:8080", None));
        assert!(!asks("localhost:8080", Some("http://evil.example")));
        assert!(!asks("localhost:8080", Some("null")));
        assert!(!is_ours(&HeaderMap::new(), address));
        assert_eq!(origin("http://127.0.0.1:9100/bench/a"), Some("http://127.0.0.1:9100"));
    }
}

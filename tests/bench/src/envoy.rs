//! Envoy's configuration.

use crate::bridge::Bridge;

/// Serves TLS. The first ALPN protocol is HTTP/2, as it is the bridge's.
const TLS: &str = r#"          transport_socket:
            name: envoy.transport_sockets.tls
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
              common_tls_context:
                alpn_protocols: [h2, http/1.1]
                tls_certificates:
                  - { certificate_chain: { filename: "CHAIN" }, private_key: { filename: "KEY" } }
"#;

/// Returns the configuration of Envoy as a bridge that listens on `port`.
pub(crate) fn config(bridge: &Bridge, port: u16) -> String {
    let tls = bridge.certificate.as_ref().map(|certificate| {
        TLS.replace("CHAIN", &certificate.chain().to_string_lossy())
            .replace("KEY", &certificate.key().to_string_lossy())
    });
    include_str!("envoy.yaml")
        .replace("LISTEN_PORT", &port.to_string())
        .replace("UPSTREAM_PORT", &bridge.upstream.port().to_string())
        .replace("          # TRANSPORT_SOCKET\n", &tls.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Certificate;

    #[test]
    fn ports_and_certificate_are_filled_in() {
        let plain = Bridge::new("envoy", ([127, 0, 0, 1], 5051).into());
        let text = config(&plain, 8080);
        assert!(text.contains("port_value: 8080") && text.contains("port_value: 5051"), "{text}");
        assert!(!text.contains("transport_socket") && !text.contains("TRANSPORT_SOCKET"), "{text}");

        let certificate = Certificate::generate().unwrap();
        let text = config(&plain.with_certificate(&certificate), 8080);
        let chain = format!("filename: \"{}\"", certificate.chain().display());
        assert!(text.contains("          transport_socket:\n") && text.contains(&chain), "{text}");
    }
}

//! The demonstration's own broker: it can be cut off, and comes back having forgotten everything.

use std::{net::SocketAddr, time::Duration};

use mqtt5::broker::{BrokerConfig, BrokerShutdownHandle, MqttBroker, StorageConfig, config::AuthConfig};
use tokio::task::JoinHandle;

/// How long the broker may take to come up or go down.
const SETTLE_TIME_MAX: Duration = Duration::from_secs(10);

/// A broker on a port of the loopback.
pub struct Broker {
    address: SocketAddr,
    running: Option<(BrokerShutdownHandle, JoinHandle<()>)>,
}

/// Why the broker is not up.
#[derive(Debug, thiserror::Error)]
#[error("the embedded broker on {address} failed: {why}")]
pub struct BrokerError {
    address: SocketAddr,
    why: String,
}

impl Broker {
    /// Starts it; port 0 takes a free one, which it then keeps.
    pub async fn start(address: SocketAddr) -> Result<Self, BrokerError> {
        let mut broker = Self { address, running: None };
        broker.plug_in().await?;
        Ok(broker)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Brings it back on the same port, empty.
    pub async fn plug_in(&mut self) -> Result<(), BrokerError> {
        let address = self.address;
        let failed = |why: String| BrokerError { address, why };
        let config = BrokerConfig::default()
            .with_bind_address(address)
            .with_auth(AuthConfig::default().with_allow_anonymous(true))
            .with_storage(StorageConfig::default().with_persistence(false))
            .with_max_packet_size(1024 * 1024);
        let mut broker = MqttBroker::with_config(config).await.map_err(|error| failed(error.to_string()))?;
        self.address = broker.local_addr().ok_or_else(|| failed("it has no address".to_owned()))?;
        let handle = broker.shutdown_handle();
        let mut ready = broker.ready_receiver();
        let task = tokio::spawn(async move {
            if let Err(error) = broker.run().await {
                tracing::warn!(%error, "the embedded broker stopped");
            }
        });
        let up = tokio::time::timeout(SETTLE_TIME_MAX, ready.wait_for(|ready| *ready)).await;
        self.running = Some((handle, task));
        match up {
            Ok(Ok(_)) => Ok(()),
            _ => Err(failed("it did not come up".to_owned())),
        }
    }

    /// Cuts it off: every connection breaks, and what it held is gone.
    pub async fn cut_off(&mut self) {
        if let Some((handle, mut task)) = self.running.take() {
            handle.shutdown();
            if tokio::time::timeout(SETTLE_TIME_MAX, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

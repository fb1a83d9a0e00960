//! Has a post office the key of each campaign that it is to serve?

use waypost_core::{fact::SiteKind, rule::order::Order};

use super::{Check, Finding, Patient, causes, reader};
use crate::{config, secret::Keeper};

pub struct CampaignKeys;

impl Check for CampaignKeys {
    fn id(&self) -> &'static str {
        "campaign_keys"
    }

    fn description(&self) -> &'static str {
        "keys of campaigns in force"
    }

    fn run(&self, patient: &Patient) -> Finding {
        let reader = match reader(patient) {
            Ok(reader) => reader,
            Err(finding) => return finding,
        };
        let Some(config) = &patient.config else { return Finding::no_configuration() };
        if config.site.kind != SiteKind::PostOffice {
            return Finding::skipped("this site serves no claims");
        }
        let orders = match reader.orders() {
            Ok(orders) => orders,
            Err(error) => return Finding::skipped(format!("the orders cannot be read: {}", causes(&error))),
        };
        let campaigns: Vec<_> =
            orders.into_iter().filter(|order| matches!(order.order, Order::Campaign { .. })).collect();
        if campaigns.is_empty() {
            return Finding::warning(
                "no campaign is in force: nobody can be served",
                "sign a campaign for this gateway at the hub (`waypost hub order sign`), and connect it",
            );
        }
        let names: Vec<_> = campaigns.iter().map(|order| order.id.clone()).collect();
        let known = match config.site.campaign_keys {
            // Which badge opens them only the one who carries it knows.
            config::CampaignKeys::Badge => Ok(None),
            _ => Keeper::existing(&config.data),
        };
        let closed = match known {
            // What opens them is not here, or the running service's alone: whether each has its file is all that is seen.
            Ok(None) => campaigns.iter().filter(|order| !Keeper::has_key(&config.data, order)).count(),
            Ok(Some(keeper)) => {
                campaigns.into_iter().filter_map(|mut order| keeper.take_out(&mut order).err()).count()
            }
            Err(error) => {
                return Finding::skipped(format!("the keys cannot be read from here: {}", causes(&error)));
            }
        };
        match closed {
            0 => Finding::ok(format!("the keys of {} are here", names.join(", "))),
            closed => Finding::failure(
                format!(
                    "of {} campaign(s) in force ({}) {closed} have no key that opens",
                    names.len(),
                    names.join(", ")
                ),
                "let the hub send the campaign's order again",
            ),
        }
    }
}

//! Orders as a hub signs them.

use std::{fs, path::Path};

use waypost_core::{
    code::claim::ClaimParams,
    fact::{
        WallTime,
        id::{CampaignId, GatewayId, RoundId},
    },
    rule::order::{CampaignTerms, FilterList, Order, OrderDocument, PieceEntry, Round, Secret},
    wire::{
        keys::{Seed, SignKey},
        order::{self, Recipient},
        part::{self, PartHeader},
        secret_key::SecretPublicKey,
        topic,
    },
};

use super::world::{key, secret_key};

pub fn campaign(number: u64, key_byte: u8, to: &[&str]) -> OrderDocument {
    let key = Secret::new(format!("{key_byte:02x}").repeat(32));
    let round = Round {
        id: RoundId::new("r1").unwrap(),
        from: "2020-10-05".to_owned(),
        until: "2020-10-18".to_owned(),
        packs_first: 2,
        packs_again: 1,
    };
    let terms = CampaignTerms {
        id: CampaignId::new("masks-2020-10").unwrap(),
        name: "Masks".to_owned(),
        rounds: vec![round],
        hash: ClaimParams::default(),
        documents: vec!["hk".to_owned()],
        proxies_max: 2,
        daily_quota: None,
        appeal: "Call 1823".to_owned(),
        disputes_until: None,
        elsewhere: None,
    };
    OrderDocument {
        id: "masks-2020-10".to_owned(),
        epoch: 1,
        number,
        not_before: None,
        expires: None,
        to: to.iter().map(|to| (*to).to_owned()).collect(),
        order: Order::Campaign { terms, key },
    }
}

pub fn lay(dir: &Path, name: &str, bytes: &[u8]) {
    fs::create_dir_all(dir.join("orders")).unwrap();
    fs::write(dir.join("orders").join("new"), bytes).unwrap();
    fs::rename(dir.join("orders").join("new"), dir.join("orders").join(name)).unwrap();
}

/// Encrypted to the gateway, if it has the key of [`secret_key`] with that byte.
pub fn sealed(document: &OrderDocument, byte: u8) -> Vec<u8> {
    sealed_to(document, &secret_key(byte).public())
}

/// The campaign of [`campaign`], which ends.
pub fn ending(number: u64, key_byte: u8) -> OrderDocument {
    let mut document = campaign(number, key_byte, &[]);
    let Order::Campaign { terms, .. } = &mut document.order else { unreachable!() };
    terms.disputes_until = Some("2020-11-30".to_owned());
    document
}

pub fn sealed_to(document: &OrderDocument, to: &SecretPublicKey) -> Vec<u8> {
    let gateway = GatewayId::new("post-1").unwrap();
    let to = Recipient { gateway, key: *to, ephemeral: Seed::from_bytes([0x61; 32]) };
    order::sign_sealed(document, &key("order", 9), &[to]).unwrap()
}

pub fn filter_list(number: u64, pieces: &[&[u8]]) -> OrderDocument {
    let list = FilterList {
        campaign: CampaignId::new("masks-2020-10").unwrap(),
        round: RoundId::new("r1").unwrap(),
        as_of: WallTime(i64::try_from(number).unwrap()),
        pieces: pieces
            .iter()
            .map(|piece| PieceEntry { digest: part::digest(piece), bytes: piece.len() as u64 })
            .collect(),
    };
    let order = Order::Filter { list };
    OrderDocument { id: "masks-2020-10.r1".to_owned(), order, ..campaign(number, 0, &[]) }
}

pub fn piece_parts(piece: &[u8], slot: u32, number: u64, signer: &SignKey) -> Vec<(String, Vec<u8>)> {
    let like = PartHeader::like("piece", "masks-2020-10.r1", (1, number));
    let topic = topic::filter_piece("masks-2020-10.r1", slot);
    let cut = part::cut(piece, &like, part::PART_BYTES_MAX, signer).unwrap();
    cut.into_iter().zip(1..).map(|(bytes, at)| (part::topic(&topic, at), bytes)).collect()
}

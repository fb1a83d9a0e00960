use std::os::unix::fs::PermissionsExt;

use waypost_core::{
    code::Badge,
    fact::id::{CampaignId, SealId},
    rule::order::{CampaignTerms, Order, SealEntry, SealFormat},
};

use super::*;

const KEY: &str = "a1a2a3a4a5a6a7a8a9aaabacadaeafb0";

fn seals(id: &str) -> OrderDocument {
    let entry = SealEntry {
        seal: SealId::new("S1").unwrap(),
        address: "54:48:E6:8F:80:A5".to_owned(),
        key: Some(Secret::new(KEY.to_owned())),
        format: SealFormat::Bthome,
        beside: None,
        interval_ms: None,
        pairing: 0,
    };
    OrderDocument {
        id: id.to_owned(),
        epoch: 1,
        number: 1,
        not_before: None,
        expires: None,
        to: Vec::new(),
        order: Order::Seals { seals: vec![entry] },
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn secrets_that_are_put_away_come_out_again_and_lie_nowhere_as_they_are() {
    let data = tempfile::tempdir().unwrap();
    let keeper = Keeper::open(data.path()).unwrap();
    let mut document = seals("-");
    keeper.put_away(&mut document).unwrap();
    assert!(!serde_json::to_string(&document).unwrap().contains(KEY));
    let again = Keeper::open(data.path()).unwrap();
    again.take_out(&mut document).unwrap();
    assert_eq!(document, seals("-"));
    for path in files(&data.path().join(KEYS_DIR)) {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
        assert!(!fs::read_to_string(&path).unwrap().contains(KEY));
    }
}

#[test]
fn destroyed_secrets_do_not_come_back_though_the_gateways_key_is_there() {
    let data = tempfile::tempdir().unwrap();
    let keeper = Keeper::open(data.path()).unwrap();
    let (mut one, mut other) = (seals("one"), seals("other"));
    keeper.put_away(&mut one).unwrap();
    keeper.put_away(&mut other).unwrap();
    assert!(keeper.destroy("seals", "one").unwrap());
    assert!(!keeper.destroy("seals", "one").unwrap(), "there is nothing left to destroy");
    assert!(matches!(keeper.take_out(&mut one), Err(KeeperError::DoesNotOpen)));
    keeper.take_out(&mut other).unwrap();
    // A newer version of the order gets another key: what lies in old copies does not open with it.
    let mut newer = seals("one");
    keeper.put_away(&mut newer).unwrap();
    assert!(matches!(keeper.take_out(&mut one), Err(KeeperError::DoesNotOpen)));
}

#[test]
fn a_secret_does_not_open_as_that_of_another_order() {
    let data = tempfile::tempdir().unwrap();
    let keeper = Keeper::open(data.path()).unwrap();
    let mut document = seals("one");
    keeper.put_away(&mut document).unwrap();
    keeper.put_away(&mut seals("other")).unwrap();
    document.id = "other".to_owned();
    assert!(matches!(keeper.take_out(&mut document), Err(KeeperError::DoesNotOpen)));
}

#[test]
fn with_a_credential_no_key_lies_on_the_card_and_without_it_nothing_opens() {
    let data = tempfile::tempdir().unwrap();
    let (dir, credentials) = (data.path().join(KEYS_DIR), data.path().join("credentials"));
    fs::create_dir(&credentials).unwrap();
    let path = credentials.join(keeper_key::CREDENTIAL);
    fs::write(&path, b"too short").unwrap();
    assert!(matches!(keeper_key::find(&dir, Some(&credentials)), Err(KeeperError::ShortCredential(_))));
    fs::write(&path, [7; 32]).unwrap();
    let keeper = Keeper {
        dir: dir.clone(),
        key: Arc::new(keeper_key::find(&dir, Some(&credentials)).unwrap()),
        vault: None,
    };
    assert!(!dir.join("rest.json").exists());
    let mut document = seals("-");
    keeper.put_away(&mut document).unwrap();
    let stolen =
        Keeper { dir: dir.clone(), key: Arc::new(keeper_key::find(&dir, None).unwrap()), vault: None };
    assert!(matches!(stolen.take_out(&mut document), Err(KeeperError::DoesNotOpen)));
    keeper.take_out(&mut document).unwrap();
    assert_eq!(document, seals("-"));
}

#[test]
fn what_is_no_key_is_not_put_away() {
    let data = tempfile::tempdir().unwrap();
    let mut document = seals("-");
    *document.order.secrets_mut()[0] = Secret::encrypted();
    let put = Keeper::open(data.path()).unwrap().put_away(&mut document);
    assert!(matches!(put, Err(KeeperError::NoKey)));
}

const BADGES: [&str; 3] =
    ["STAFF-AAAABBBBCCCCDDDD2345", "STAFF-EEEEFFFFGGGGHHHH2345", "STAFF-JJJJKKKKLLLLMMMM2345"];

/// Scans the badge of that number; all may serve but those that are named.
fn scan(keeper: &Keeper, number: usize, but: &[usize]) -> vault::Presented {
    let serves = |hash: &str| !but.iter().any(|number| hash == number.to_string());
    keeper.vault().unwrap().present(&Badge::new(BADGES[number]), &number.to_string(), serves).unwrap()
}

fn campaign() -> OrderDocument {
    let terms = CampaignTerms {
        id: CampaignId::new("masks").unwrap(),
        name: "Masks".to_owned(),
        rounds: Vec::new(),
        hash: Default::default(),
        documents: Vec::new(),
        proxies_max: 2,
        daily_quota: None,
        appeal: String::new(),
        disputes_until: None,
        elsewhere: None,
    };
    let order = Order::Campaign { terms, key: Secret::new(KEY.repeat(2)) };
    OrderDocument { id: "masks".to_owned(), order, ..seals("-") }
}

#[test]
fn the_key_of_a_campaign_is_only_back_when_a_badge_is_scanned() {
    let data = tempfile::tempdir().unwrap();
    let keeper = || Keeper::open(data.path()).unwrap().with_badges();
    let before = keeper();
    let mut document = campaign();
    assert!(matches!(before.put_away(&mut document), Err(KeeperError::WaitsForBadge)));
    assert_eq!(scan(&before, 0, &[]), vault::Presented::Opened);
    before.put_away(&mut document).unwrap();
    let masks = CampaignId::new("masks").unwrap();
    let pair = before.make_campaign_pair(&masks).unwrap().public();
    assert_eq!(scan(&before, 1, &[]), vault::Presented::WasOpen);

    // The power was away.
    let after = keeper();
    assert!(matches!(after.take_out(&mut document), Err(KeeperError::WaitsForBadge)));
    assert!(matches!(after.campaign_pair(&masks), Err(KeeperError::WaitsForBadge)));
    assert_eq!(scan(&after, 2, &[]), vault::Presented::StaysClosed, "a badge that was never scanned here");
    assert_eq!(scan(&after, 1, &[]), vault::Presented::Opened);
    let mut taken = document.clone();
    after.take_out(&mut taken).unwrap();
    assert_eq!(taken, campaign());
    assert_eq!(after.campaign_pair(&masks).unwrap().unwrap().public(), pair);
    // The keys of seals wait for nobody.
    let mut others = seals("-");
    keeper().put_away(&mut others).unwrap();
    keeper().take_out(&mut others).unwrap();

    // Whoever has the card has the gateway's key for what rests, and no badge.
    let stolen = Keeper::open(data.path()).unwrap();
    assert!(matches!(stolen.take_out(&mut document), Err(KeeperError::DoesNotOpen)));
    assert!(stolen.campaign_pair(&masks).unwrap().is_none());
    for path in files(&data.path().join(KEYS_DIR)) {
        let content = fs::read_to_string(&path).unwrap().to_uppercase();
        let in_hex = |badge: &str| hex(badge.as_bytes()).to_uppercase();
        assert!(!BADGES.iter().any(|badge| content.contains(badge) || content.contains(&in_hex(badge))));
        assert!(!content.contains(&KEY.to_uppercase()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
}

#[test]
fn who_may_serve_no_more_brings_no_key_back() {
    let data = tempfile::tempdir().unwrap();
    let keeper = || Keeper::open(data.path()).unwrap().with_badges();
    let before = keeper();
    scan(&before, 0, &[]);
    scan(&before, 1, &[]);
    let mut document = campaign();
    before.put_away(&mut document).unwrap();
    // The first one left; the next scan of anybody takes that badge's place away.
    assert_eq!(scan(&keeper(), 1, &[0]), vault::Presented::Opened);
    assert_eq!(scan(&keeper(), 0, &[]), vault::Presented::StaysClosed);
    // Where nobody is left, the hub's order comes anew, and what was under their badges opens no more.
    let anew = keeper();
    assert_eq!(scan(&anew, 2, &[0, 1]), vault::Presented::Opened);
    assert!(matches!(anew.take_out(&mut document), Err(KeeperError::DoesNotOpen)));
    let mut again = campaign();
    anew.put_away(&mut again).unwrap();
    anew.take_out(&mut again).unwrap();
    assert_eq!(again, campaign());
}

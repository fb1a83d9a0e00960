-- The pairs that gateways made for campaigns: a campaign's key is encrypted to them.
create table campaign_pair (
    gateway  text not null,
    campaign text not null,
    key      text not null,
    primary key (gateway, campaign)
) without rowid;

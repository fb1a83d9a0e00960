-- What the gateways sent, as they sent it, and what it adds up to. Everything below `record`, `fork`, `apart` and
-- `lost_range` can be made again from them.

create table meta (
    key   text primary key,
    value text not null
) without rowid;

-- One journal of one gateway. `held` is the ledger's last number without a hole, `link` the link at it, `top` the
-- highest number stored; between the two lie records that came ahead.
create table journal (
    no         integer primary key,
    id         blob    not null unique check (length(id) = 16),
    gateway    text    not null,
    held       integer not null default 0,
    link       blob    not null check (length(link) = 32),
    top        integer not null default 0,
    track_held integer not null default 0,
    track_top  integer not null default 0
);

-- stream: 0 ledger, 1 track (which has no links).
create table record (
    journal integer not null references journal (no),
    stream  integer not null,
    seq     integer not null,
    link    blob,
    line    text    not null,
    primary key (journal, stream, seq)
) without rowid;

-- Another line under a known number, or one that does not link to what is held. Kept beside, never projected.
create table fork (
    journal integer not null references journal (no),
    stream  integer not null,
    seq     integer not null,
    link    blob,
    line    text    not null,
    came_ms integer not null,
    unique (journal, stream, seq, line)
);

-- Whole messages that could not be believed, as they came.
create table apart (
    id      integer primary key,
    gateway text    not null,
    reason  text    not null,
    came_ms integer not null,
    message blob    not null unique
);

-- What a gateway declared that it no longer has. A range ahead of `held` waits; `applied` is set once `held` has
-- passed over it.
create table lost_range (
    journal     integer not null references journal (no),
    stream      integer not null,
    first       integer not null,
    last        integer not null,
    link_before blob,
    link_after  blob,
    why         text    not null,
    applied     integer not null default 0,
    primary key (journal, stream, first, last)
) without rowid;

create table alarm (
    key        text primary key,
    kind       text    not null,
    subject    text    not null,
    gateway    text    not null,
    since_ms   integer not null,
    journal    integer,
    seq        integer,
    settled_ms integer
) without rowid;

create index alarm_subject on alarm (subject);

-- What a clock of a boot was worth: wall = up_ms + offset_ms. quality: 0 unset, 1 rtc, 2 ntp, 3 gnss.
create table boot (
    journal   integer not null references journal (no),
    boot      integer not null,
    offset_ms integer not null,
    quality   integer not null,
    primary key (journal, boot)
) without rowid;

-- When each gateway was last heard, in the hub's time, and what it said was waiting.
create table gateway (
    id      text primary key,
    seen_ms integer not null,
    queued  integer not null default 0,
    online  integer not null default 0
) without rowid;

-- Which records speak of a tube or a box.
create table trail (
    code    text    not null,
    journal integer not null,
    seq     integer not null,
    primary key (code, journal, seq)
) without rowid;

-- What happened to a box, from every gateway that had it.
create table box_event (
    box       text    not null,
    journal   integer not null,
    seq       integer not null,
    what      integer not null,
    site      text    not null,
    other     text,
    flagged   integer not null,
    due_ms    integer,
    boot      integer not null,
    up_ms     integer not null,
    at_ms     integer not null,
    quality   integer not null,
    stored_ms integer not null,
    primary key (box, journal, seq)
) without rowid;

-- Only the events whose time a later `clock_found` can mend.
create index box_event_unsure on box_event (journal, boot) where quality < 2;

create table box (
    code      text primary key,
    state     text    not null,
    holder    text    not null,
    since_ms  integer not null,
    due_ms    integer,
    delivered integer not null default 0,
    compared  integer not null default 0,
    seal      text,
    alarmed   integer not null default 0
) without rowid;

-- Ends of handovers that nothing pairs with yet.
create table unpaired (
    box     text    not null,
    journal integer not null,
    seq     integer not null,
    kind    text    not null,
    giver   text    not null,
    taker   text    not null,
    time_ms integer not null,
    primary key (box, journal, seq)
) without rowid;

-- What a sealed box holds, as an order's JSON; gone once the box was compared.
create table manifest (
    box     text primary key,
    journal integer not null,
    seq     integer not null,
    body    text    not null
) without rowid;

create table round (
    no       integer primary key,
    campaign text not null,
    round    text not null,
    unique (campaign, round)
);

create table claim (
    round   integer not null references round (no),
    token   blob    not null,
    journal integer not null,
    seq     integer not null,
    voided  integer not null default 0,
    primary key (round, token, journal, seq)
) without rowid;

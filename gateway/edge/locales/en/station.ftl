# Messages of the stations. A refusal says what is wrong; its `next-…` line says what to do.

## Titles: what the station is doing
title-sign-in = Sign in
title-collect = Collect
title-pack = Pack tubes
title-checklist = Packing checklist
title-seal = Seal the box
title-hand-over = Hand over
title-vehicle = Vehicle
title-receive = Receive boxes
title-compare = Compare tubes
title-settle = Settle a discrepancy
title-masks = Masks
title-proxy = Masks by proxy
title-decide = A supervisor decides
title-void = Take a claim back
title-warehouse = Warehouse
title-stock = Stock
title-closed = Out of service

## Questions and prompts
ask-badge = Scan your badge
ask-day = Is today { $day }?
ask-tube-or-box = Scan a box to pack, or a tube
ask-tubes-for = Scan tubes for { $box }
ask-tube-of-booking = Booking { $booking }: scan its tube
ask-tube-to-move = Scan the tube to move
ask-checklist = Confirm each point
ask-fit-seal = Fit a seal on { $box } and scan it
ask-scan-one-of-several-seals = Several seals are near: scan the one on { $box }
ask-scan-seal-none-near = No free seal is near: fit one on { $box } and scan it
ask-box-to-seal = Scan the closed box
ask-box-to-reopen = Scan the closed box, then choose again
ask-place-to = Scan who takes the boxes
ask-place-from = Scan who brings the boxes
ask-place-here = Scan the code of this place
ask-boxes-to = Scan boxes for { $to }
ask-boxes-from = Scan boxes from { $from }
ask-boxes-at = Scan boxes at { $site }
ask-boxes-to-give = Scan the boxes to hand over
ask-boxes-to-take = Scan the boxes to take
ask-seal-of-box = Scan the seal on the box
ask-damaged-box = Scan the damaged box
ask-box-to-open = Scan the box to open
ask-box-to-empty = Scan the empty box
ask-tubes-of = Scan each tube of { $box }
ask-tube-to-settle = Scan or type the tube
ask-settle-reason = Why is { $tube } different?
ask-document = Key the identity number
ask-proxy-document = Key the number of the proxy
ask-person-document = Key the number of the person
ask-void-reason = Why is it taken back?
ask-decide = To serve all the same: a supervisor scans their badge
ask-void-supervisor = A supervisor scans their badge
ask-site = Scan the site that goods go to
ask-unshown =
    { $count ->
        [one] Before the restart 1 answer may not have been seen
       *[other] Before the restart { $count } answers may not have been seen
    }
busy-claim = One moment

## Yes
yes-noted = Noted
yes-shift-opened = Shift of { $day } open: { $person }, { $role }
yes-signed-in = Signed in: { $person }, { $role }
yes-shift-closed = Shift closed
yes-tube-collected = Collected: { $tube }
yes-tube-packed = Packed: { $tube }
yes-tube-taken-out = { $tube } is out of { $box }
yes-tube-moved = { $tube } moved from { $from } to { $to }
yes-box-started = { $box } is open
yes-box-reopened = { $box } is open again
yes-box-closed =
    { $count ->
        [one] { $box } closed with 1 tube
       *[other] { $box } closed with { $count } tubes
    }
yes-box-sealed = { $box } sealed with { $seal }
yes-handed-over = { $box } handed to { $to }
yes-received = { $box } received from { $from }
yes-box-opened = { $box } opened
yes-tube-agrees = Agrees: { $tube }
yes-compared = { $box } compared: { $matched } tubes agree
compared-differs = { $box }: { $matched } agree, { $missing } missing, { $extra } too many
no-not-on-manifest = Not on the manifest: { $tube }
yes-settled = { $tube } settled: { $reason }
yes-box-emptied = { $box } is empty and free
yes-served =
    { $packs ->
        [one] 1 pack
       *[other] { $packs } packs
    }
yes-voided =
    { $packs ->
        [one] Taken back: 1 pack
       *[other] Taken back: { $packs } packs
    }
yes-stock-in = In: { $count } { $item }
yes-stock-out = Out: { $count } { $item }
yes-stock-counted = Counted: { $count } { $item }

## Already: neither yes nor no
already-in-this-box = Already in this box
already-collected = Already collected
already-box-open = This box is open already
already-signed-in = Already signed in
already-compared = Already compared
already-box-here = The box is here already
already-order-in-force = The order is in force already
already-campaign-ended = The campaign is over

## A text that means nothing here
scan-unknown = Not a known code
scan-unknown-command = Not a known command
scan-wrong-check-digit = The check digit is wrong
scan-missing-check-digit = The check digit is missing
scan-damaged-code = The code is damaged
scan-empty = Nothing was read
scan-too-long = Too long for a code
scan-half = Only a part of the code was read
scan-bad-document = Not a number of such a document
scan-no-use = This code is not used here
scan-not-now = Not wanted now
scan-no-day-wanted = No day is asked for
no-box-to-seal = No closed box waits for a seal
claim-waits-badge = Claims wait for a badge
claim-no-key = The campaign's key is not here
journal-stopped = Stop: nothing can be recorded
stock-unknown-item = { $item } is not counted here
stock-choose-work = Choose: in, out or count
stock-choose-item = Choose what
stock-key-quantity = How many { $item }?
stock-key-count = How many { $item } are there?

## Refusals
refusal-not-signed-in = Nobody is signed in
refusal-unknown-badge = This badge is not known
refusal-not-permitted = Only for: { $role }
refusal-not-here = Not done at this site
refusal-no-shift = No shift is open
refusal-tube-in-other-box = The tube is in { $box }
refusal-tube-state = The tube is { $state }
refusal-tube-unknown = The tube is not known here
refusal-no-open-box = No box is open
refusal-other-box-open = { $box } is still open
refusal-box-state = The box is { $state }
refusal-box-full = The box is full: { $max } tubes
refusal-box-empty = The box is empty
refusal-box-unknown = The box is not known here
refusal-checklist-incomplete = The checklist is not complete
refusal-seal-not-closed = The seal is { $state }
refusal-seal-without-count = This seal does not count its openings
refusal-seal-in-use = The seal is on { $box }
refusal-seal-replay = An old signal of this seal: not believed
refusal-needs-exception = Wrong with the seal: { $reason }
refusal-nothing-to-undo = Nothing to undo
refusal-no-discrepancy = No open discrepancy of this tube
refusal-no-campaign = No masks are handed out today
refusal-campaign-not-over = The campaign is not over yet
refusal-document-not-taken = This kind of document is not accepted
refusal-already-served = Already served in this round
refusal-served-elsewhere = Already served at another office
refusal-maybe-served = Perhaps served at another office
refusal-list-stale = Other offices are not known well enough
refusal-list-too-old = Other offices are not known: nobody is served
refusal-quota-reached = Today's quota is used up: { $quota } persons
refusal-proxy-limit = A proxy may fetch for { $max } persons a day
refusal-proxy-is-person = Proxy and person are the same
refusal-out-of-stock = Not enough in stock: { $count } left
refusal-bad-quantity = This quantity cannot be
refusal-needs-reason = Counted { $variance } off what should be there
refusal-needs-supervisor = A supervisor is needed
refusal-supervisor-is-operator = The supervisor must be another person
refusal-no-claim = No such claim here
refusal-bad-day = This is no day
refusal-no-manifest = The manifest has not come yet
refusal-order-older = The order is older than the one in force
refusal-order-invalid = The order says something that cannot be

## What to do next
next-scan-badge = Scan a staff badge.
next-permitted-badge = A permitted person scans their badge, then repeat.
next-not-here = Do it at the site where it belongs.
next-move = Choose «move» to put it into the open box, or put it back.
next-set-tube-aside = Set the tube aside and tell the supervisor.
next-scan-box = Scan the box to pack into.
next-scan-tubes = Scan the tubes.
next-close-box = Close that box first.
next-box-full = Close it and scan an empty box; scan this tube again.
next-check-box = Look at the box's number and state.
next-pack-first = Scan a tube first.
next-checklist = Confirm every point.
next-close-seal = Close it until it clicks, wait a moment, scan it again. Else take another seal.
next-close-first = Close a box first, then scan its seal.
next-mechanical-seal = Put a numbered seal beside it and scan that one.
next-other-seal = Take another seal.
next-exception = Choose «under exception», or wait and scan the box again.
next-no-seal = No readable seal? Choose «no seal».
next-hand-over = Next box, or scan the vehicle.
next-nothing = There is nothing to do.
next-no-campaign = Tell the person when the next round begins.
next-other-document = Ask for another document.
next-no-goods = Hand nothing out.
next-other-day = Ask the person to come on another day or to another office.
next-person-self = The person may come themselves.
next-restock = Take goods in first, or count.
next-quantity = Key another quantity.
next-reason = Choose the reason.
next-decide = A supervisor scans their badge to serve all the same; else hand nothing out.
next-list-too-old = Hand nothing out. The person can come again later.
next-supervisor-badge = Another person, a supervisor, scans their badge.
next-key-day = Key the day as DAY-2020-09-03.
next-other-day-key = If not, key the right day as DAY-2020-09-03.
next-wait-manifest = Leave the box closed until it has come.
next-badge-served = Scan the badge of somebody who has served here before.
next-badge-new = New here? Let a colleague who has served here sign in first, then sign in again.
next-tell-centre = Tell the control room.
next-go-on = Go on.
next-scan-other = Scan something else.
next-scan-again = Scan it again.
next-key-again = Look at the document and key it again.
next-key-check-digit = Key the digit in brackets too.
next-choose-command = Choose from what is offered.
next-choose-item = Choose one of the items.
next-see-to-card = Go on working. Tell the maintainer.
next-journal-stopped = Hand nothing out, take nothing in. Call the maintainer.
next-card-full = Maintainer: make room on the card. Work then goes on by itself.
next-card-read-only = Maintainer: restart the machine. If it stays so, the card is worn out: put in a new one. What was recorded is kept.
next-journal-damaged = Maintainer: stop the gateway and run «waypost journal salvage». What can be read comes back.
next-card-failed = Maintainer: run «waypost doctor». The card may have to be replaced. What was recorded is kept.
next-open = Choose «open» to open it.
next-compare = Scan each tube in it.
next-empty = When nothing is left in it, choose «empty».
next-settle = Settle each with its reason.
next-void-document = It is the last claim served here; for another, key its number.
next-alarm = Look at it now.
next-unshown = Check that each was handed out. Take back what was not.

## Lines
line-tube = Tube { $tube }
line-box = Box { $box }
line-open-box = Open: { $box }
line-with = With { $site }
line-document = { $masked }
line-proxy = Proxy { $masked }
line-by-proxy = Fetched by a proxy
line-provisional = Provisional: earlier records are not back from the hub yet
line-provisional-list = Provisional: other offices could not be checked
line-decided-by = Decided by { $person }
line-list-none = No list of other offices has come yet
line-list-age = List of other offices: { $minutes } minutes old
line-list-age-hours = List of other offices: { $hours } hours old
line-served-where = Served at { $site }, { $time }
line-served-here =
    { $minutes ->
        [0] Served here just now
        [one] Served here 1 minute ago
       *[other] Served here { $minutes } minutes ago
    }
line-appeal = Appeal: { $where }
line-repeated = Asked before: this is the first answer
line-under-exception = Under exception: { $reason }
line-no-manifest = Its manifest has not come yet
line-discrepancy-noted = Noted as a discrepancy
line-missing-tube = Missing: { $tube }
line-aboard = On board: { $count }
line-time-left = { $box }: { $minutes } min left
line-late = { $box }: { $minutes } min late
line-on-hand = In stock now: { $count }
line-variance = Difference: { $variance }
line-shape = { $length } characters
line-alarm-sent = Alarm sent: { $alarm }
line-unsynced =
    { $count ->
        [0] Everything is at the hub
        [one] 1 record not at the hub
       *[other] { $count } records not at the hub
    }
line-unshown = Record { $record }: { $what }
line-count-collected = Tubes collected: { $count }
line-count-packed = Tubes packed: { $count }
line-count-sealed = Boxes sealed: { $count }
line-count-handed-over = Boxes handed over: { $count }
line-count-boxes-received = Boxes received: { $count }
line-count-tubes-received = Tubes received: { $count }
line-count-claims = Persons served: { $count }
line-count-packs = Packs handed out: { $count }

## Choices
choice-day = Yes, this day
choice-cancel = Cancel
choice-back-to-packing = Back to packing
choice-close-box = Close the box
choice-undo = Undo the last tube
choice-move = Move a tube here
choice-check-absorbent = Absorbent is in
choice-check-closed = Secondary packaging is closed
choice-check-mark = UN 3373 mark is legible
choice-check-clean = Outside is clean
choice-check-all = All four are so
choice-seal-nearest = Take the nearest seal
choice-reopen = Open it again
choice-hand-over = Hand over boxes
choice-receive = Take boxes
choice-exception = Under exception
choice-damaged = The box is damaged
choice-no-seal = No seal
choice-open = Open a box
choice-finish = All tubes scanned
choice-empty = Box is empty
choice-settle = Settle a discrepancy
choice-proxy = By proxy
choice-void = Take a claim back
choice-stock-in = Goods in
choice-stock-out = Goods out
choice-count = Count stock
choice-quantity = { $count }
choice-close-shift = Close the shift

## Names
item-tubes = tubes
item-boxes = boxes
item-seals = seals
item-packs = packs
item-other = { $item }
role-staff = staff
role-supervisor = supervisor
role-driver = driver
role-laboratory = laboratory staff
role-maintainer = maintainer
reason-mistake = by mistake
reason-returned = came back
reason-damaged = damaged
reason-lost = lost
reason-found = found
reason-explained = explained by the other side
reason-recounted = counted again
state-seal-closed = closed
state-seal-open = open
state-seal-tampered = tampered with
state-seal-silent = silent
state-seal-low-battery = closed, and its battery is low
state-seal-clock-in-doubt = not keeping time
state-seal-unread = not read yet
state-seal-unproven = closed, but not proven
state-tube-collected = collected
state-tube-packed = packed
state-tube-away = on its way
state-tube-received = received
state-tube-disputed = disputed
state-tube-settled = settled
state-box-empty = empty
state-box-packing = being packed
state-box-closed = closed
state-box-sealed = sealed
state-box-handed-over = handed over
state-box-carried = on board
state-box-received = received
state-box-opened = opened
state-box-compared = compared
exception-seal-open = it is open
exception-seal-tampered = it was tampered with
exception-seal-silent = it is silent
exception-seal-clock-in-doubt = it does not keep time
exception-seal-unread = it cannot be read
exception-seal-not-authentic = its signal is not genuine
exception-seal-count-changed = it was opened on the way
exception-wrong-seal = it is another seal
exception-count-unknown = no manifest to compare with
exception-box-damaged = the box is damaged

## Alarms
alarm-seal-opened = The seal of { $subject } was opened
alarm-seal-tampered = The seal of { $subject } was tampered with
alarm-seal-silent = The seal of { $subject } is silent
alarm-seal-forged = A false signal of seal { $subject }
alarm-seal-clock-in-doubt = The seal of { $subject } does not keep time: look at it
alarm-seal-battery-low = The battery of the seal of { $subject } is low
alarm-seal-restarted = The seal of { $subject } was started anew: look at it
alarm-received-under-exception = { $subject } received under exception
alarm-delivery-due-soon = { $subject } is due soon
alarm-delivery-late = { $subject } is late
alarm-tubes-disagree = Tubes of { $subject } disagree
alarm-stock-variance = Stock of { $subject } was off
alarm-stock-low = Stock of { $subject } is low
alarm-disk-low = Little room is left on the card
alarm-disk-critical = The card is nearly full
alarm-journal-damaged = Damage was found in the journal
alarm-journal-stopped = Records cannot be written
alarm-message-refused = A message was not genuine

# Badge and PIN
title-pin = PIN
title-unlock = Unlock a badge
ask-pin = Key your PIN
ask-unlock-supervisor = A supervisor: scan your badge
busy-pin = One moment …
line-pin = PIN: { $dots }
line-claims-wait-badge = Claims wait for the badge of somebody who has served here
line-claims-wait-new-badge = This badge is new here: a colleague who has served here signs in first, then sign in again
line-disk-full = The card is full
line-disk-read-only = The card takes no writes
line-disk-failed = The card fails
line-journal-damaged = The journal is damaged
line-session-ended = Signed out: nothing was scanned for a while
choice-digit = { $digit }
choice-pin-take = Take { $digit }
choice-pin-turn = Next digit
choice-pin-done = Done
choice-pin-clear = Clear
choice-unlock = Supervisor unlocks
no-pin-length = A PIN has 4 to 8 digits
no-pin-wrong = { $left ->
    [one] Wrong PIN: one try is left
   *[other] Wrong PIN: { $left } tries are left
}
next-pin = Key the PIN, then Done; or Cancel
next-badge-again = Scan the badge again
next-unlock = Wait, or let a supervisor unlock it
refusal-pin-locked = { $minutes ->
    [one] Badge locked for 1 minute: too many wrong PINs
   *[other] Badge locked for { $minutes } minutes: too many wrong PINs
}
yes-pin-unlocked = { $person } may try again
already-not-locked = That badge is not locked

# Enrolment at the counter, where the gateway has no hub yet
line-enrol-none = No hub yet: scan or key its code for this gateway
busy-enrol = Asking { $hub } …
yes-enrolled = Enrolled
line-enrol-broker = Records go to { $broker } from now on
enrol-bad-code = A part of the code is missing or wrong
enrol-no-address = The code does not say where the hub is
enrol-has-hub = This gateway has its hub
next-enrol-has-hub = Nothing is changed. For another hub: waypost enrol
enrol-under-way = A code is being tried already
enrol-away = { $hub } is not reached
next-enrol-away = Check network and address, then scan the code again.
enrol-code-refused = The hub refused the code
next-enrol-code = Scan it again, or key all of it: WP1-…@address:port
next-enrol-new-code = It is used, too old, or of another gateway: ask for a new one.
enrol-not-listed = The hub does not know this gateway
next-enrol-not-listed = Ask the control room to add it, then scan the code again.
enrol-not-believed = { $hub } is not the hub of this code
next-enrol-other-hub = Check the address. Nothing was taken over.
enrol-busy = The hub is busy
next-enrol-again = Scan the code again in a moment.
enrol-failed = Enrolment failed
next-enrol-log = The log says why. Scan the code again.

# Between a record and its panel the power failed
title-handed = Handed over?
ask-handed = { $packs ->
    [one] Was the pack of record { $record } handed over?
   *[other] Were the { $packs } packs of record { $record } handed over?
}
line-handed-when = Granted { $time }; then the gateway stopped
line-handed-open = It is not said yet whether these packs were handed over
line-handed-waits = { $count ->
    [one] One claim of before the restart waits for an answer
   *[other] { $count } claims of before the restart wait for an answer
}
next-handed = If not, the claim is taken back and the person may be served again
choice-handed-yes = Yes, handed over
choice-handed-no = No, not given
yes-handed = Record { $record }: the packs were handed over
yes-not-handed = Record { $record }: taken back, nothing was given
already-hand-out-known = That was said already

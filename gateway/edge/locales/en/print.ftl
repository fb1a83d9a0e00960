# Words on paper: labels, receipts, reports.

print-reprint = REPRINT { $number }
print-box = Box { $box }
print-tubes =
    { $count ->
        [one] 1 tube
       *[other] { $count } tubes
    }
print-due = At the laboratory by { $time }
print-seal = Seal { $seal }
print-mechanical = Mechanical seal { $number }
print-sealed-at = { $site }, record { $record }
print-consignment = Consignment
print-from = From: { $site }
print-to = To: { $site }
print-boxes =
    { $count ->
        [one] 1 box
       *[other] { $count } boxes
    }
print-receipt = Receipt for masks
print-packs =
    { $packs ->
        [one] 1 pack
       *[other] { $packs } packs
    }
print-document = Document
print-by-proxy = Collected by a proxy
print-time = Time
print-time-unsure = The clock was not confirmed
print-record = Record at { $site }
print-not-stored = Your identity number is not stored.
print-report = End of shift
print-day = Day
print-closed = Closed
print-person = Closed by
print-nothing-done = Nothing was recorded in this shift
print-unsynced = Records not yet at the hub
print-count-collected = Tubes collected
print-count-packed = Tubes packed
print-count-sealed = Boxes sealed
print-count-handed-over = Boxes handed over
print-count-boxes-received = Boxes received
print-count-tubes-received = Tubes received
print-count-claims = Persons served
print-count-packs = Packs handed out
print-commands = Commands
print-test = Test page 測試
print-test-printer = { $printer }, { $dpi } dots an inch
choice-reprint = Print it again

## At the counter
refusal-nothing-printed = There is no paper to print again
yes-reprint = Reprint { $number } follows
printer-none = No printer here prints that
printer-no-paper = Record { $record } cannot be printed any more
printer-paper-out = { $printer } is out of paper: load a new roll, printing goes on by itself
printer-cover-open = { $printer } is open: close its cover
printer-ribbon-out = { $printer } needs a new ribbon
printer-cutter = { $printer }: the cutter is stuck; switch it off and clear the paper path
printer-temperature = { $printer } is too hot or too cold: wait
printer-paused = { $printer } is paused: press its button
printer-busy = { $printer } takes no data: look at it, switch it off and on
printer-error = { $printer } has a fault: look at it, switch it off and on
printer-paper-low = { $printer }: the paper is nearly used up
printer-unsure = { $printer }: record { $record } may not be printed whole. Look; if not, print it again
printer-dropped = { $printer }: record { $record } waited too long and was not printed
printer-full = Too much waits to be printed: record { $record } is left out
printer-too-small = { $printer }: its labels are too small for record { $record }
printer-away = { $printer } is not reached: check its cable and that it is switched on
print-opened = Opened

# What every panel shows, whatever the station.
ui-nobody = nobody signed in
ui-unsynced =
    { $count ->
        [0] all at the hub
        [one] 1 record not at the hub
       *[other] { $count } records not at the hub
    }
ui-ack-seconds = hub answered { $seconds } s ago
ui-ack-minutes = hub answered { $minutes } min ago
ui-ack-none = hub has not answered yet
ui-clock-gnss = clock: satellite
ui-clock-ntp = clock: network
ui-clock-rtc = clock: battery, not confirmed
ui-clock-unset = clock: not set
ui-missing = missing: { $device }
ui-noisy = { $device } sends noise: is its baud right?
ui-journal-low = little room on the card
ui-journal-critical = card nearly full
ui-journal-damaged = journal damaged
ui-journal-full = card full: nothing is recorded
ui-journal-read-only = card takes no writes: nothing is recorded
ui-journal-failed = card fails: nothing is recorded
ui-lid-open = lid open
ui-tone-ready = Ready
ui-tone-busy = Wait
ui-tone-yes = Yes
ui-tone-no = No
ui-tone-already = Already so
ui-tone-ask = Your turn
ui-tone-alarm = Alarm
ui-screen-test = Screen test
ui-online = connected
ui-offline = working offline
ui-certificate-ended = offline: certificate expired, go on working
ui-enter-code = Scan or type a code, then Enter
ui-send = Enter
ui-document = Document
ui-document-hk = Hong Kong identity number
ui-document-passport = Passport
ui-document-other = Other document
ui-confirm-letter = Is this the letter on the card?
ui-confirm-yes = Yes, serve
ui-confirm-no = No, key again
ui-language = 中文
ui-sound = Sound
ui-choices = What you can do now
ui-lost = No connection to this gateway. The page tries again by itself.
ui-bench = Bench
ui-bench-about = Virtual devices of this demonstration
ui-sheet = Sample codes
ui-sheet-about = Click a code to scan it
ui-records = records { $first } to { $last }
# A board that the page draws.
ui-board = Board
ui-board-red = red
ui-board-amber = amber
ui-board-green = green
ui-board-buzzer = Buzzer
ui-board-sound-rest = silent
ui-board-sound-busy = silent
ui-board-sound-yes = two short: yes
ui-board-sound-already = one: it is so already
ui-board-sound-no = five: no
ui-board-sound-ask = short, long: a question
ui-board-sound-alarm = on and on: alarm
ui-board-hatch-open = Hatch open
ui-board-hatch-shut = Hatch shut
ui-board-yes = Yes, next
ui-board-no = No, undo
ui-board-open-lid = Open the lid
ui-board-close-lid = Close the lid

PRAGMA integrity_check('row')

# needs: sqlite3
sqlite3 t.db <<'END'
create table t(a integer primary key, b text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000) insert into t select i, 'row ' || i from n;
select count(*), sum(a), max(b) from t;
create index ib on t(b);
explain query plan select * from t where b = 'row 5';
begin; delete from t; rollback; select count(*) from t;
.mode csv
select * from t limit 3;
pragma integrity_check;
END
sqlite3 t.db 'pragma journal_mode=wal; insert into t(b) values("x"); select last_insert_rowid();'; for i in 1 2 3 4; do sqlite3 -cmd '.timeout 10000' t.db "insert into t(b) values('p$i')" & done; wait; sqlite3 t.db "select count(*) from t where b like 'p_'"; sqlite3 t.db .dump | grep -v "'p[1-4]'" | md5sum; sqlite3 t.db 'vacuum into "copy.db"'; sqlite3 copy.db 'select count(*) from t'; sqlite3 t.db 'select nothing' 2>/dev/null; echo $?; sqlite3 :memory: "select json_extract('{\"a\":[1,2]}', '\$.a[1]'), printf('%.3f', 2.0/3), group_concat(value) from generate_series(1,5)"; ls

# CPython's own tests, from Debian's libpython3.11-testsuite, a module each.
# needs: /usr/bin/python3.11 /usr/lib/python3.11/test/test_os.py
# parts: test_os test_posix test_subprocess test_signal test_threading test_thread test_socket test_select test_selectors test_asyncio.test_base_events test_asyncio.test_events test_asyncio.test_unix_events test_asyncio.test_selector_events test_asyncio.test_subprocess test_asyncio.test_streams test_asyncio.test_sock_lowlevel test_asyncio.test_sendfile test_asyncio.test_server test_asyncio.test_ssl test_asyncio.test_sslproto test_asyncio.test_tasks test_asyncio.test_threads test_asyncio.test_runners test_mmap test_fcntl test_io test_fileio test_tempfile test_shutil test_pathlib test_glob test_multiprocessing_fork test_multiprocessing_spawn test_concurrent_futures test_sqlite3 test_epoll test_eventfd test_pty test_tty test_resource test_time test_ssl test_venv test_faulthandler test_gdb test_poll test_fork1 test_wait3 test_wait4 test_popen test_ioctl test_largefile-volume test_shutil-volume test_tempfile-volume test_mmap-volume test_pathlib-volume test_zipfile-volume test_openpty test_pwd test_grp test_posixpath test_genericpath test_file test_stat test_tarfile test_zipfile test_mailbox test_multiprocessing_forkserver test_sys test_cmd_line test_ctypes test_dbm test_fileinput test_filecmp test_queue test_runpy test_site test_uuid test_readline test_platform test_getpass test_syslog test_logging test_socketserver test_httpservers test_asyncore test_asynchat test_ftplib test_smtplib test_poplib test_imaplib test_telnetlib test_urllib2_localnet test_xmlrpc test_wsgiref test_httplib
# limit: 1500
# quiet: 120
# resume: yes
module=${1%-volume}
file=${module//.//}
[ -e "/usr/lib/python3.11/test/$file.py" ] || [ -d "/usr/lib/python3.11/test/$file" ] || { echo "skip $module # not in this version" >&3; exit; }
exec /usr/bin/python3.11 "$SUITES/lib/unittest_results.py" "test.$module"

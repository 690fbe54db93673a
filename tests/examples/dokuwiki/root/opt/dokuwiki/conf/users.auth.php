# <?php exit()?>
admin:$2y$10$0123456789abcdefghijkuM1Jb0W7yC3b0p7e8Zg1w2x3y4z5a6b7:Admin:admin@example.org:admin,user

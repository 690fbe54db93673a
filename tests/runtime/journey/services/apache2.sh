# A web server with a site in PHP, which keeps its entries below its own directory.
packages="apache2 libapache2-mod-php"
scope=(--package apache2 /var/www/shop)
port=80
reach=outside
install_old() {
    file "$1" /etc/apache2/sites-available/shop.conf <<'TEXT'
<VirtualHost *:80>
    ServerName shop.example.org
    DocumentRoot /var/www/shop/public
    ErrorLog ${APACHE_LOG_DIR}/shop-error.log
    CustomLog ${APACHE_LOG_DIR}/shop-access.log combined
</VirtualHost>
TEXT
    file "$1" /var/www/shop/public/index.php <<'TEXT'
<?php
require __DIR__ . '/../lib/book.php';
$book = new Book(__DIR__ . '/../data');
if (isset($_POST['word'])) {
    $book->add($_POST['word']);
}
echo "The book of the shop\n", implode("\n", $book->all()), "\n";
TEXT
    file "$1" /var/www/shop/lib/book.php <<'TEXT'
<?php
class Book {
    private $path;
    function __construct($dir) { $this->path = $dir . '/book.txt'; }
    function add($word) { file_put_contents($this->path, $word . "\n", FILE_APPEND | LOCK_EX); }
    function all() { return is_file($this->path) ? file($this->path, FILE_IGNORE_NEW_LINES) : []; }
}
TEXT
    mkdir -p "$1/var/www/shop/data"
    at_old "$1" chown -R www-data: /var/www/shop/data
    at_old "$1" sh -c 'a2dissite 000-default && a2ensite shop'
}
begin() { at_old "$1" /etc/init.d/apache2 start; }
seed() { curl -s --noproxy '*' -d word=kept http://127.0.0.1/ | grep kept; }
end() { at_old "$1" /etc/init.d/apache2 stop; }
ask() { url http://127.0.0.1/; }
wanted=kept
write() { url -d word=fresh http://127.0.0.1/; }
written=fresh
ask_new() { ask; }
wanted_new=fresh

# A server of servlets with an application, which keeps its entries where its own settings say.
packages="jetty9 default-jre-headless"
scope=(--package jetty9)
port=8080
reach=outside
tries=60
install_old() {
    file "$1" /var/lib/jetty9/webapps/shop/index.jsp <<'TEXT'
<%@ page import="java.io.*,java.nio.file.*" %><%
Path book = Paths.get(application.getInitParameter("book"));
String word = request.getParameter("word");
if (word != null) {
    Files.write(book, (word + "\n").getBytes(), StandardOpenOption.CREATE, StandardOpenOption.APPEND);
}
out.println("The book of the shop");
if (Files.exists(book)) for (String line : Files.readAllLines(book)) out.println(line);
%>
TEXT
    file "$1" /var/lib/jetty9/webapps/shop/WEB-INF/web.xml <<'TEXT'
<web-app version="3.1" xmlns="http://xmlns.jcp.org/xml/ns/javaee">
  <context-param><param-name>book</param-name><param-value>/var/lib/jetty9/shop/book.txt</param-value></context-param>
</web-app>
TEXT
    mkdir -p "$1/var/lib/jetty9/shop"
    at_old "$1" chown jetty: /var/lib/jetty9/shop
}
begin() { at_old "$1" /etc/init.d/jetty9 start; }
seed() { sleep 5; curl -s --noproxy '*' -d word=kept http://127.0.0.1:8080/shop/ | grep kept; }
end() { at_old "$1" /etc/init.d/jetty9 stop; }
ask() { url http://127.0.0.1:8080/shop/; }
wanted=kept
write() { url -d word=fresh http://127.0.0.1:8080/shop/; }
written=fresh
ask_new() { ask; }
wanted_new=fresh

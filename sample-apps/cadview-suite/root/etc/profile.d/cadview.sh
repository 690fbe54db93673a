PATH=$PATH:/opt/cadview/bin

mod egress {
    mod connecting;
    mod networks;
}

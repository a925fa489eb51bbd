# Numbers in all kinds of formats, most of them by the quick way (protocol/quick_format.rs).
import random, itertools
random.seed(5)
def norm(f):
    try: return f()
    except Exception as e: return type(e).__name__+str(e)
vals=[0,1,-1,7,-42,1234567,-98765432109,10**18,-2**62,2**62-1,2**70,True,False,0.0,-0.0,0.5,1.5,2.5,-2.675,1e15,1e16,1e22,123456789.125,1/3,-1e-5,5e-324,1.7e308,float('inf'),float('-inf'),float('nan'),0.1,0.05,0.15,99.995,999999.5,1e-7,"abc",""]
out=[]
for v in vals:
    for fill in ("","<",">","^","*^","=","0=","x<"):
        for sign in ("","+","-"," "):
            for alt in ("","#"):
                for w in ("","0","012","5","20"):
                    for g in ("",",","_"):
                        for p in ("",".0",".2",".7",".17",".40"):
                            for k in ("","d","x","X","o","b","e","f","F","g","G","%","s","n","c","r"):
                                if random.random()<0.008:
                                    sp=fill+sign+alt+w+g+p+k
                                    out.append((sp,v,norm(lambda: format(v,sp))))
for v in vals+[(1,2),None]:
    for fl in ("","-","+"," ","0","#","-0","+0","# ","0#"):
        for w in ("","1","8","20"):
            for p in ("",".0",".3",".25","."):
                for k in "diouxXeEfFgGcrsab%":
                    sp="<%"+fl+w+p+k+">"
                    out.append((sp,v,norm(lambda: sp % (v,))))
for i in range(1500):
    x=random.choice([random.random(),random.uniform(-1e6,1e6),random.randint(-10**6,10**6)/64,random.uniform(0,1)*10**random.randint(-20,20),random.randint(0,10**6)/1000+0.0005])
    for p in (0,1,2,3,6,9,15,16):
        out.append((p,x,"%.*f"%(p,x), format(x,f".{p}f")))
import hashlib
print(len(out), hashlib.md5(repr(out).encode()).hexdigest())

